#include "adapters/dns/cares_text_records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <optional>

namespace s3link::dns {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr unsigned kNameError = 3, kServerFailure = 2, kRefused = 5, kTruncated = 0x0200;

std::string number(unsigned value) { return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xffU)}; }

/// One TXT record of the name that was asked for. Source: RFC 1035 §3.3.14, §4.1.3.
std::string txt(const std::vector<std::string>& strings) {
  std::string data;
  for (const std::string& text : strings) data += static_cast<char>(text.size()) + text;
  return number(0xC00C) + number(16) + number(1) + number(0) + number(60) + number(static_cast<unsigned>(data.size())) +
         data;
}

/// The query's id and question, the flags of an answer with `code`, and the records.
std::string reply(const std::string& query, unsigned code, const std::vector<std::string>& records) {
  const std::string question = query.substr(12, query.find('\0', 12) + 5 - 12);
  std::string out = query.substr(0, 2) + number(0x8180 | code) + number(1) +
                    number(static_cast<unsigned>(records.size())) + number(0) + number(0) + question;
  for (const std::string& record : records) out += record;
  return out;
}

/// A name server on a loopback port, over UDP and TCP. Answers with what the functions return; nothing: no answer.
class NameServer {
 public:
  using Answers = std::function<std::optional<std::string>(const std::string& query)>;

  NameServer(asio::io_context& context, Answers over_udp, Answers over_tcp = {})
      : acceptor_(context, {asio::ip::address_v4::loopback(), 0}),
        socket_(context, {asio::ip::address_v4::loopback(), acceptor_.local_endpoint().port()}),
        over_udp_(std::move(over_udp)),
        over_tcp_(std::move(over_tcp)) {
    asio::co_spawn(context, serve_udp(), [](const std::exception_ptr&) {});
    asio::co_spawn(context, serve_tcp(), [](const std::exception_ptr&) {});
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  int asked() const { return asked_; }

 private:
  Awaitable<void> serve_udp() {
    std::array<char, 4096> buffer{};
    while (true) {
      asio::ip::udp::endpoint client;
      const auto [error, size] = co_await socket_.async_receive_from(asio::buffer(buffer), client, kToken);
      if (error) co_return;
      ++asked_;
      const auto answer = over_udp_({buffer.data(), size});
      if (answer) co_await socket_.async_send_to(asio::buffer(*answer), client, kToken);
    }
  }
  Awaitable<void> serve_tcp() {
    while (true) {
      auto [error, peer] = co_await acceptor_.async_accept(kToken);
      if (error) co_return;
      std::array<unsigned char, 2> length{};
      co_await asio::async_read(peer, asio::buffer(length), kToken);
      std::string query(static_cast<std::size_t>(length[0]) * 256 + length[1], '\0');
      co_await asio::async_read(peer, asio::buffer(query), kToken);
      const auto answer = over_tcp_ ? over_tcp_(query) : std::nullopt;
      if (!answer) continue;
      const std::string framed = number(static_cast<unsigned>(answer->size())) + *answer;
      co_await asio::async_write(peer, asio::buffer(framed), kToken);
    }
  }

  asio::ip::tcp::acceptor acceptor_;
  asio::ip::udp::socket socket_;
  Answers over_udp_, over_tcp_;
  int asked_ = 0;
};

class CaresTextRecordsTest : public testing::Test {
 protected:
  Result<std::vector<std::string>> find(const NameServer& server, const std::string& name,
                                        std::chrono::milliseconds deadline = 10s) {
    CaresTextRecords records(context_.get_executor(), {.server = server.address(),
                                                       .first_wait = std::min<std::chrono::milliseconds>(deadline, 2s),
                                                       .deadline = deadline});
    Result<std::vector<std::string>> out = fail(ErrorKind::internal, "not run");
    asio::co_spawn(context_, records.find(name), [&](const std::exception_ptr& error, auto found) {
      if (!error) out = std::move(found);
      context_.stop();
    });
    context_.run();
    context_.restart();
    return out;
  }
  NameServer::Answers always(unsigned code, std::vector<std::string> records = {}) {
    return [=](const std::string& query) { return reply(query, code, records); };
  }

  asio::io_context context_{1};
};

TEST_F(CaresTextRecordsTest, JoinsTheStringsOfARecord) {
  const NameServer server(context_, always(0, {txt({"v=spf1 ", "-all"}), txt({"other"}), txt({""})}));
  const auto found = find(server, "example.org");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(*found, ElementsAre("v=spf1 -all", "other", ""));
}

TEST_F(CaresTextRecordsTest, NoNameAndNoRecordAreNotFound) {
  const NameServer no_name(context_, always(kNameError));
  EXPECT_EQ(find(no_name, "example.org").error().kind, ErrorKind::not_found);
  const NameServer no_record(context_, always(0));
  EXPECT_EQ(find(no_record, "example.org").error().kind, ErrorKind::not_found);
}

TEST_F(CaresTextRecordsTest, ServersThatFailOrRefuseAreTransient) {
  for (const unsigned code : {kServerFailure, kRefused}) {
    const NameServer server(context_, always(code));
    const auto refused = find(server, "example.org");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::transient);
    EXPECT_TRUE(refused.error().message.contains("example.org"));
  }
}

TEST_F(CaresTextRecordsTest, ALongAnswerIsFetchedOverTcp) {
  const std::string piece(250, 'x');
  std::vector<std::string> records(30, txt({piece, piece}));
  const NameServer server(context_, always(kTruncated), always(0, records));
  const auto found = find(server, "example.org");
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), records.size());
  EXPECT_EQ(found->back(), piece + piece);
}

TEST_F(CaresTextRecordsTest, SilenceEndsAtTheDeadline) {
  const NameServer server(context_, [](const std::string&) { return std::nullopt; });
  const auto refused = find(server, "example.org", 50ms);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::transient);
  EXPECT_GE(server.asked(), 1);
}

TEST_F(CaresTextRecordsTest, GarbageIsAnError) {
  const NameServer cut_off(context_, [](const std::string& query) {
    return std::optional(reply(query, 0, {txt({"v=spf1 -all"}).substr(0, 14)}));
  });
  EXPECT_EQ(find(cut_off, "example.org").error().kind, ErrorKind::transient);
  const NameServer noise(context_,
                         [](const std::string& query) { return std::optional(query.substr(0, 2) + "noise"); });
  EXPECT_EQ(find(noise, "example.org", 50ms).error().kind, ErrorKind::transient);
}

TEST_F(CaresTextRecordsTest, WhatIsNoNameIsRefusedWithoutAsking) {
  const NameServer server(context_, always(0));
  EXPECT_EQ(find(server, std::string(64, 'a') + ".example.org").error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(server.asked(), 0);
}

TEST(CaresTextRecords, AServerIsAnAddressAndAPort) {
  for (const char* const good : {"127.0.0.1:5353", "[::1]:53"}) EXPECT_TRUE(CaresTextRecords::is_server(good)) << good;
  for (const char* const bad : {"", "dns.example.org:53", "127.0.0.1:53,127.0.0.2:53", "999.1.1.1:53"}) {
    EXPECT_FALSE(CaresTextRecords::is_server(bad)) << bad;
  }
}

}  // namespace
}  // namespace s3link::dns
