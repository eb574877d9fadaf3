#include "adapters/http_client/reach.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace s3link::http_client {
namespace {

using namespace std::chrono_literals;

Status reached(asio::io_context& context, bool https, std::uint16_t port, std::chrono::milliseconds deadline = 10s) {
  Status out = fail(ErrorKind::internal, "not run");
  asio::co_spawn(context, reach(context.get_executor(), https, "127.0.0.1", port, {}, deadline),
                 [&](const std::exception_ptr& error, Status status) {
                   if (!error) out = std::move(status);
                   context.stop();
                 });
  context.run();
  context.restart();
  return out;
}

TEST(Reach, ConnectsAndSaysNothing) {
  asio::io_context context(1);
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  const Status status = reached(context, false, acceptor.local_endpoint().port());
  ASSERT_TRUE(status) << status.error().message;
  asio::ip::tcp::socket peer = acceptor.accept();
  char byte = 0;
  boost::system::error_code error;
  EXPECT_EQ(peer.read_some(asio::buffer(&byte, 1), error), 0U);
  EXPECT_TRUE(error);
}

TEST(Reach, FailureDoesNotNameTheHost) {
  asio::io_context context(1);
  std::uint16_t port = 0;
  {
    const asio::ip::tcp::acceptor closed(context, {asio::ip::address_v4::loopback(), 0});
    port = closed.local_endpoint().port();
  }
  const Status status = reached(context, false, port);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::transient);
  EXPECT_EQ(status.error().message, "Connection refused");
}

TEST(Reach, APeerThatDoesNotShakeHandsIsGivenUp) {
  asio::io_context context(1);
  const asio::ip::tcp::acceptor silent(context, {asio::ip::address_v4::loopback(), 0});
  const Status status = reached(context, true, silent.local_endpoint().port(), 100ms);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "no connection in time");
}

}  // namespace
}  // namespace s3link::http_client
