#include "adapters/xray/udp_trace_sink.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <boost/json.hpp>
#include <set>
#include <stdexcept>
#include <string>

#include "adapters/xray/daemon_address.hpp"
#include "support/fake_random.hpp"

namespace s3link::xray {
namespace {

using boost::asio::ip::udp;
using testing::StartsWith;

const trace::TraceContext kContext =
    *trace::parse_xray_header("Root=1-581cf771-a006649127e371903a2de979;Parent=defdfd9912dc5a56;Sampled=1", false);
constexpr const char* kHeader = "{\"format\":\"json\",\"version\":1}\n";

trace::Segment segment(std::string name) {
  trace::Segment out;
  out.name = std::move(name);
  out.start = from_unix_ms(1478293361271);
  out.end = from_unix_ms(1478293361449);
  return out;
}

/// The daemon's side.
class Daemon {
 public:
  Daemon() {
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  std::uint16_t port() const { return socket_.local_endpoint().port(); }

  /// The next datagram; empty when none comes.
  std::string receive() {
    std::string datagram(65536, '\0');
    const ssize_t count = ::recv(socket_.native_handle(), datagram.data(), datagram.size(), 0);
    datagram.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return datagram;
  }
  boost::json::object document() {
    const std::string datagram = receive();
    EXPECT_THAT(datagram, StartsWith(kHeader));
    return boost::json::parse(datagram.substr(datagram.find('\n') + 1)).as_object();
  }

 private:
  boost::asio::io_context context_;
  udp::socket socket_{context_, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
};

class BrokenRandom final : public ports::Random {
 public:
  void fill(std::span<std::byte> /*out*/) override { throw std::runtime_error("no random numbers"); }
};

TEST(UdpTraceSink, ADocumentFollowsTheHeader) {
  Daemon daemon;
  test_support::FakeRandom random;
  const auto sink = UdpTraceSink::open("127.0.0.1", daemon.port(), random);
  ASSERT_TRUE(sink) << sink.error().message;
  auto work = segment("record");
  work.children.push_back(segment("SES"));
  (*sink)->emit(kContext, work);
  const auto document = daemon.document();
  EXPECT_EQ(document.at("name"), "record");
  EXPECT_EQ(document.at("trace_id"), "1-581cf771-a006649127e371903a2de979");
  EXPECT_EQ(document.at("parent_id"), "defdfd9912dc5a56");
  EXPECT_EQ(document.at("subsegments").at(0).at("name"), "SES");
  EXPECT_EQ((*sink)->lost(), 0U);
}

TEST(UdpTraceSink, EverySegmentHasAnIdOfItsOwn) {
  Daemon daemon;
  test_support::FakeRandom random;
  const auto sink = UdpTraceSink::open("localhost", daemon.port(), random);
  ASSERT_TRUE(sink) << sink.error().message;
  std::set<std::string> ids;
  for (int round = 0; round < 3; ++round) {
    (*sink)->emit(kContext, segment("record"));
    ids.insert(std::string(daemon.document().at("id").as_string()));
  }
  EXPECT_EQ(ids.size(), 3U);
}

TEST(UdpTraceSink, WhatDoesNotFitOneDatagramComesInSeveral) {
  Daemon daemon;
  test_support::FakeRandom random;
  const auto sink = UdpTraceSink::open("127.0.0.1", daemon.port(), random);
  ASSERT_TRUE(sink);
  auto work = segment("sweep");
  for (int i = 0; i < 100; ++i) {
    work.children.push_back(segment("record"));
    work.children.back().metadata = {{"key", std::string(1000, 'k')}};
  }
  (*sink)->emit(kContext, work);
  const auto first = daemon.document();
  const auto second = daemon.document();
  EXPECT_EQ(first.at("name"), "sweep");
  EXPECT_EQ(second.at("name"), "record");
  EXPECT_EQ(second.at("parent_id"), first.at("id"));
  EXPECT_EQ((*sink)->lost(), 0U);
}

TEST(UdpTraceSink, WhatIsNotSampledIsNotSent) {
  Daemon daemon;
  test_support::FakeRandom random;
  const auto sink = UdpTraceSink::open("127.0.0.1", daemon.port(), random);
  ASSERT_TRUE(sink);
  auto unsampled = kContext;
  unsampled.sampled = false;
  (*sink)->emit(unsampled, segment("unsampled"));
  (*sink)->emit(kContext, segment("sampled"));
  EXPECT_EQ(daemon.document().at("name"), "sampled");
}

TEST(UdpTraceSink, ADaemonThatDoesNotListenIsNoFailure) {
  test_support::FakeRandom random;
  const auto sink = UdpTraceSink::open("127.0.0.1", Daemon().port(), random);
  ASSERT_TRUE(sink);
  for (int round = 0; round < 3; ++round) (*sink)->emit(kContext, segment("record"));
  EXPECT_EQ((*sink)->lost(), 0U) << "an error that an earlier datagram came back with";
}

TEST(UdpTraceSink, WhatTheSystemDoesNotTakeIsCounted) {
  test_support::FakeRandom random;
  const auto sink = UdpTraceSink::open("127.0.0.1", 0, random);  // no datagram can go to port 0
  ASSERT_TRUE(sink);
  (*sink)->emit(kContext, segment("record"));
  (*sink)->emit(kContext, segment("record"));
  EXPECT_EQ((*sink)->lost(), 2U);
}

TEST(UdpTraceSink, WithoutRandomNumbersTheWorkGoesOn) {
  Daemon daemon;
  BrokenRandom random;
  const auto sink = UdpTraceSink::open("127.0.0.1", daemon.port(), random);
  ASSERT_TRUE(sink);
  (*sink)->emit(kContext, segment("record"));
  EXPECT_EQ((*sink)->lost(), 1U);
}

TEST(UdpTraceSink, ANameThatIsNoneIsAnError) {
  test_support::FakeRandom random;
  const auto sink = UdpTraceSink::open("no name at all", 2000, random);
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().kind, ErrorKind::transient);
}

TEST(ProbeDaemon, OnlyARefusalIsAFailure) {
  std::uint16_t port = 0;
  {
    const Daemon daemon;
    port = daemon.port();
    const Status there = probe_daemon("127.0.0.1", port, std::chrono::milliseconds(50));
    EXPECT_TRUE(there) << there.error().message;
  }
  const Status gone = probe_daemon("127.0.0.1", port, std::chrono::seconds(5));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error(), (Error{ErrorKind::transient, "127.0.0.1: Connection refused", ""}));
}

}  // namespace
}  // namespace s3link::xray
