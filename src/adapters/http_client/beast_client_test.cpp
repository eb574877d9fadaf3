#include "adapters/http_client/beast_client.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <thread>

#include "core/base/encoding.hpp"
#include "support/run_sync.hpp"
#include "support/test_certificate.hpp"

namespace s3link::http_client {
namespace {

using namespace std::chrono_literals;
using ports::HttpClientRequest;
using ports::HttpClientResponse;
using test_support::run_sync;

// One accepted connection, as the scripted server sees it.
class Session {
 public:
  Session(int descriptor, SSL_CTX* context) : descriptor_(descriptor) {
    if (context == nullptr) return;
    tls_ = SSL_new(context);
    SSL_set_fd(tls_, descriptor_);
    if (SSL_accept(tls_) != 1) failed = true;
  }
  ~Session() {
    SSL_free(tls_);
    ::close(descriptor_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Up to and including `end`; less when the client closes.
  std::string read_until(std::string_view end) {
    while (!received.contains(end)) {
      if (!receive()) break;
    }
    const auto found = received.find(end);
    const std::string front = received.substr(0, found == std::string::npos ? found : found + end.size());
    received.erase(0, front.size());
    return front;
  }
  bool read(std::size_t count) {
    while (received.size() < count) {
      if (!receive()) return false;
    }
    received.erase(0, count);
    return true;
  }
  void send(std::string_view text) const {
    if (tls_ != nullptr) {
      std::size_t sent = 0;
      SSL_write_ex(tls_, text.data(), text.size(), &sent);
    } else {
      [[maybe_unused]] const auto sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
    }
  }
  void finish_sending() const { ::shutdown(descriptor_, SHUT_WR); }
  bool receive() {
    char piece[65536];
    std::size_t count = 0;
    if (tls_ != nullptr) {
      if (SSL_read_ex(tls_, piece, sizeof piece, &count) != 1) return false;
    } else {
      const auto got = ::recv(descriptor_, piece, sizeof piece, 0);
      if (got <= 0) return false;
      count = static_cast<std::size_t>(got);
    }
    received.append(piece, count);
    return true;
  }

  std::string received;
  bool failed = false;

 private:
  int descriptor_;
  SSL* tls_ = nullptr;
};

// A server that does what the test says with each connection, one after the other.
class ScriptedServer {
 public:
  using Script = std::function<void(Session&, int connection)>;

  explicit ScriptedServer(Script script, SSL_CTX* context = nullptr)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 16);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::jthread([this, script = std::move(script), context] {
      while (true) {
        const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (descriptor < 0 || stopping_) {
          if (descriptor >= 0) ::close(descriptor);
          return;
        }
        Session session(descriptor, context);
        const int number = ++connections;
        if (!session.failed) script(session, number);
      }
    });
  }
  ~ScriptedServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::uint16_t port = 0;
  std::atomic<int> connections = 0;

 private:
  int listener_;
  std::atomic<bool> stopping_ = false;
  std::jthread thread_;
};

// `count` bytes of 'x' in pieces.
class Pieces final : public ports::HttpBodySource {
 public:
  explicit Pieces(std::uint64_t count) : left_(count) {}
  Awaitable<Result<std::span<const std::byte>>> next() override {
    ++calls;
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    if (fails_after && calls > fails_after) co_return fail(ErrorKind::corrupt, "the disk is broken", "Broken");
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece_.size()));
    left_ -= size;
    co_return as_bytes(std::string_view(piece_).substr(0, size));
  }
  int calls = 0;
  int fails_after = 0;

 private:
  std::string piece_ = std::string(100'000, 'x');
  std::uint64_t left_;
};

HttpClientRequest request_to(std::uint16_t port, std::string method = "GET", std::uint64_t body_length = 0) {
  return {.scheme = "http",
          .host = "127.0.0.1",
          .port = port,
          .method = std::move(method),
          .target = "/b/k?x=%2F",
          .fields = {{"Host", "h"}, {"X-A", "1"}},
          .body_length = body_length};
}

Awaitable<Result<HttpClientResponse>> exchange_once(HttpClientRequest request, ports::HttpBodySource* source,
                                                    ClientOptions options = {}) {
  BeastClient client(co_await asio::this_coro::executor, std::move(options));
  co_return co_await client.exchange(std::move(request), source, 5s);
}

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-B: c\r\n\r\nok";

TEST(BeastClient, SendsTheRequestAsGiven) {
  std::string head;
  ScriptedServer server([&](Session& session, int) {
    head = session.read_until("\r\n\r\n");
    session.send(kOk);
  });
  const auto response = run_sync(exchange_once(request_to(server.port), nullptr));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200U);
  EXPECT_EQ(response->body, "ok");
  EXPECT_EQ(*ports::find_field(response->fields, "x-b"), "c");
  EXPECT_EQ(head, "GET /b/k?x=%2F HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n\r\n");
}

TEST(BeastClient, StreamsABodyWithItsLength) {
  std::string head;
  bool whole = false;
  ScriptedServer server([&](Session& session, int) {
    head = session.read_until("\r\n\r\n");
    whole = session.read(3'000'000);
    session.send(kOk);
  });
  Pieces source(3'000'000);
  ASSERT_TRUE(run_sync(exchange_once(request_to(server.port, "PUT", 3'000'000), &source)));
  EXPECT_TRUE(head.contains("\r\nContent-Length: 3000000\r\n"));
  EXPECT_TRUE(whole);
}

TEST(BeastClient, AnEmptyPutSaysSo) {
  std::string head;
  ScriptedServer server([&](Session& session, int) {
    head = session.read_until("\r\n\r\n");
    session.send(kOk);
  });
  ASSERT_TRUE(run_sync(exchange_once(request_to(server.port, "PUT"), nullptr)));
  EXPECT_TRUE(head.contains("\r\nContent-Length: 0\r\n"));
}

struct AnswerCase {
  std::string name, method, answer;
  unsigned status;
  std::string body;
};
const std::vector<AnswerCase> kAnswers = {
    {"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200,
     "abc"},
    {"to_the_end", "GET", "HTTP/1.1 200 OK\r\n\r\nall of it", 200, "all of it"},
    {"http_1_0", "GET", "HTTP/1.0 404 Not Found\r\nContent-Length: 1\r\n\r\nx", 404, "x"},
    {"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 200, ""},
    {"no_content", "DELETE", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
    {"interim", "GET", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200,
     "x"},
};
class BeastClientAnswerTest : public testing::TestWithParam<AnswerCase> {};
TEST_P(BeastClientAnswerTest, IsUnderstood) {
  ScriptedServer server([&](Session& session, int) {
    session.read_until("\r\n\r\n");
    session.send(GetParam().answer);
    session.finish_sending();
  });
  const auto response = run_sync(exchange_once(request_to(server.port, GetParam().method), nullptr));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, GetParam().status);
  EXPECT_EQ(response->body, GetParam().body);
}
INSTANTIATE_TEST_SUITE_P(Table, BeastClientAnswerTest, testing::ValuesIn(kAnswers),
                         [](const auto& row) { return row.param.name; });

struct FailureCase {
  std::string name, answer;
  ErrorKind kind;
};
const std::vector<FailureCase> kFailures = {
    {"nothing", "", ErrorKind::transient},
    {"half_a_head", "HTTP/1.1 200 OK\r\nCont", ErrorKind::transient},
    {"half_a_body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", ErrorKind::transient},
    {"another_protocol", "220 mail.example ESMTP\r\n", ErrorKind::invalid_argument},
    {"too_large", "HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n", ErrorKind::invalid_argument},
};
class BeastClientFailureTest : public testing::TestWithParam<FailureCase> {};
TEST_P(BeastClientFailureTest, IsReported) {
  ScriptedServer server([&](Session& session, int) {
    session.read_until("\r\n\r\n");
    session.send(GetParam().answer);
    session.finish_sending();
  });
  const auto response = run_sync(exchange_once(request_to(server.port), nullptr));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, GetParam().kind) << response.error().message;
  EXPECT_EQ(response.error().code, "unknown");
  EXPECT_TRUE(response.error().message.starts_with("http://127.0.0.1:")) << response.error().message;
}
INSTANTIATE_TEST_SUITE_P(Table, BeastClientFailureTest, testing::ValuesIn(kFailures),
                         [](const auto& row) { return row.param.name; });

TEST(BeastClient, NobodyThereIsAFailureOfTheConnection) {
  std::uint16_t port = 0;
  {
    const ScriptedServer gone([](Session&, int) {});
    port = gone.port;
  }
  auto request = request_to(port);
  const auto refused = run_sync(exchange_once(request, nullptr));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::transient);
  EXPECT_EQ(refused.error().code, "connection");
  request.host = "no.such.host.invalid";
  const auto unknown = run_sync(exchange_once(request, nullptr));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::transient);
  EXPECT_EQ(unknown.error().code, "connection");
}

TEST(BeastClient, ALineBreakInTheRequestIsRefused) {
  auto request = request_to(1);
  request.fields.emplace_back("X", "a\r\nY: b");
  EXPECT_EQ(run_sync(exchange_once(request, nullptr)).error().kind, ErrorKind::invalid_argument);
  request = request_to(1);
  request.target = "/a b";
  EXPECT_EQ(run_sync(exchange_once(request, nullptr)).error().kind, ErrorKind::invalid_argument);
}

TEST(BeastClient, TheDeadlineEndsTheExchangeWhereverItIs) {
  ScriptedServer server([&](Session& session, int connection) {
    session.read_until("\r\n\r\n");
    if (connection == 2) session.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    while (session.receive()) {
    }
  });
  const auto run = [](HttpClientRequest request, ports::HttpBodySource* source) -> Awaitable<void> {
    BeastClient client(co_await asio::this_coro::executor);
    const auto begin = std::chrono::steady_clock::now();
    const auto response = co_await client.exchange(std::move(request), source, 100ms);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
    EXPECT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::transient);
    EXPECT_EQ(response.error().code, "unknown");
    EXPECT_TRUE(response.error().message.ends_with("no answer in time")) << response.error().message;
  };
  run_sync(run(request_to(server.port), nullptr));
  run_sync(run(request_to(server.port), nullptr));
  Pieces source(1000);
  run_sync(run(request_to(server.port, "PUT", 1000), &source));
}

TEST(BeastClient, CancellationEndsTheExchangeAsAnError) {
  ScriptedServer server([&](Session& session, int) {
    while (session.receive()) {
    }
  });
  asio::io_context context;
  asio::cancellation_signal cancel;
  Pieces source(50'000'000);
  std::optional<Error> error;
  const auto run = [](std::uint16_t port, ports::HttpBodySource* body, std::optional<Error>* out) -> Awaitable<void> {
    BeastClient client(co_await asio::this_coro::executor);
    const auto response = co_await client.exchange(request_to(port, "PUT", 50'000'000), body, 20s);
    if (!response) *out = response.error();
  };
  std::exception_ptr thrown;
  asio::co_spawn(context, run(server.port, &source, &error),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e) { thrown = e; }));
  asio::steady_timer timer(context, 20ms);
  timer.async_wait([&](const boost::system::error_code&) { cancel.emit(asio::cancellation_type::terminal); });
  context.run();
  EXPECT_TRUE(error);
}

TEST(BeastClient, ConnectionsAreReused) {
  ScriptedServer server([&](Session& session, int) {
    while (!session.read_until("\r\n\r\n").empty()) session.send(kOk);
  });
  const auto run = [](std::uint16_t port) -> Awaitable<void> {
    BeastClient client(co_await asio::this_coro::executor);
    for (int round = 0; round < 5; ++round) {
      EXPECT_TRUE(co_await client.exchange(request_to(port), nullptr, 5s));
    }
  };
  run_sync(run(server.port));
  EXPECT_EQ(server.connections, 1);
}

TEST(BeastClient, ConnectionsThePeerClosedOrWillCloseAreNot) {
  ScriptedServer server([&](Session& session, int connection) {
    session.read_until("\r\n\r\n");
    session.send(connection == 1 ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" : kOk);
  });
  const auto run = [](std::uint16_t port) -> Awaitable<void> {
    BeastClient client(co_await asio::this_coro::executor);
    for (int round = 0; round < 3; ++round) {
      EXPECT_TRUE(co_await client.exchange(request_to(port, "POST"), nullptr, 5s));
      std::this_thread::sleep_for(20ms);
    }
  };
  run_sync(run(server.port));
  EXPECT_EQ(server.connections, 3);
}

// Answers one request on the first connection, and ends it when the second has come.
void end_on_second_request(Session& session, int connection) {
  session.read_until("\r\n\r\n");
  session.send(kOk);
  if (connection == 1) session.read_until("\r\n\r\n");
}

TEST(BeastClient, AStaleConnectionIsReplacedForAnIdempotentRequest) {
  ScriptedServer server(end_on_second_request);
  const auto run = [](std::uint16_t port) -> Awaitable<void> {
    BeastClient client(co_await asio::this_coro::executor);
    EXPECT_TRUE(co_await client.exchange(request_to(port), nullptr, 5s));
    EXPECT_TRUE(co_await client.exchange(request_to(port), nullptr, 5s));
  };
  run_sync(run(server.port));
  EXPECT_EQ(server.connections, 2);
}

TEST(BeastClient, ASmallBodyIsGivenAgainWithARepeatedRequest) {
  bool whole = false;
  ScriptedServer server([&](Session& session, int connection) {
    session.read_until("\r\n\r\n");
    if (connection == 1) {
      session.send(kOk);
      session.read_until("\r\n\r\n");
      session.read(1000);
      return;
    }
    whole = session.read(1000);
    session.send(kOk);
  });
  const auto run = [](std::uint16_t port) -> Awaitable<void> {
    BeastClient client(co_await asio::this_coro::executor);
    EXPECT_TRUE(co_await client.exchange(request_to(port), nullptr, 5s));
    Pieces source(1000);
    EXPECT_TRUE(co_await client.exchange(request_to(port, "PUT", 1000), &source, 5s));
    EXPECT_EQ(source.calls, 1);
  };
  run_sync(run(server.port));
  EXPECT_EQ(server.connections, 2);
  EXPECT_TRUE(whole);
}

TEST(BeastClient, ARequestThatMayHaveBeenActedOnIsNotRepeated) {
  ScriptedServer server(end_on_second_request);
  const auto run = [](std::uint16_t port) -> Awaitable<void> {
    BeastClient client(co_await asio::this_coro::executor);
    EXPECT_TRUE(co_await client.exchange(request_to(port), nullptr, 5s));
    const auto second = co_await client.exchange(request_to(port, "POST"), nullptr, 5s);
    EXPECT_FALSE(second);
    EXPECT_EQ(second.error().code, "unknown");
  };
  run_sync(run(server.port));
  EXPECT_EQ(server.connections, 1);
}

TEST(BeastClient, AnEarlyAnswerEndsTheSending) {
  for (const bool reads_on : {false, true}) {
    ScriptedServer server([&](Session& session, int) {
      session.read_until("\r\n\r\n");
      session.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
      if (reads_on) {
        while (session.receive()) session.received.clear();
      } else {
        std::this_thread::sleep_for(200ms);  // does not read: the client's writes block
      }
    });
    Pieces source(500'000'000);
    const auto response = run_sync(exchange_once(request_to(server.port, "PUT", 500'000'000), &source));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 403U);
    EXPECT_EQ(response->body, "no");
    EXPECT_LT(source.calls, 5000);
  }
}

TEST(BeastClient, AFailureOfTheSourceIsTheFailureOfTheExchange) {
  ScriptedServer server([&](Session& session, int) {
    while (session.receive()) {
    }
  });
  Pieces source(1'000'000);
  source.fails_after = 3;
  const auto response = run_sync(exchange_once(request_to(server.port, "PUT", 1'000'000), &source));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error(), (Error{ErrorKind::corrupt, "the disk is broken", "Broken"}));
  Pieces too_short(10);
  EXPECT_EQ(run_sync(exchange_once(request_to(server.port, "PUT", 20), &too_short)).error().kind,
            ErrorKind::invalid_argument);
}

TEST(BeastClient, ExpectWaitsForTheInterimAnswer) {
  bool early = true;
  ScriptedServer server([&](Session& session, int) {
    session.read_until("\r\n\r\n");
    std::this_thread::sleep_for(50ms);
    early = !session.received.empty();
    session.send("HTTP/1.1 100 Continue\r\n\r\n");
    session.read(10);
    session.send(kOk);
  });
  auto request = request_to(server.port, "PUT", 10);
  request.fields.emplace_back("Expect", "100-continue");
  Pieces source(10);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_sync(exchange_once(request, &source)));
  EXPECT_FALSE(early);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 900ms);
}

TEST(BeastClient, ExpectIsNotWaitedForLongerThanASecond) {
  ScriptedServer server([&](Session& session, int) {
    session.read_until("\r\n\r\n");
    session.read(10);
    session.send(kOk);
  });
  auto request = request_to(server.port, "PUT", 10);
  request.fields.emplace_back("Expect", "100-continue");
  Pieces source(10);
  EXPECT_TRUE(run_sync(exchange_once(request, &source)));
}

TEST(BeastClient, ARefusalBeforeTheInterimAnswerTakesNothingFromTheSource) {
  ScriptedServer server([&](Session& session, int) {
    session.read_until("\r\n\r\n");
    session.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  });
  auto request = request_to(server.port, "PUT", 10);
  request.fields.emplace_back("Expect", "100-continue");
  Pieces source(10);
  EXPECT_EQ(run_sync(exchange_once(request, &source))->status, 403U);
  EXPECT_EQ(source.calls, 0);
}

class BeastClientTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "s3link-client-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    context = SSL_CTX_new(TLS_server_method());
  }
  void TearDown() override {
    SSL_CTX_free(context);
    std::filesystem::remove_all(folder);
  }
  void serve(const std::string& names) {
    test_support::write_certificate(folder / "cert.pem", folder / "key.pem", names);
    SSL_CTX_use_certificate_chain_file(context, (folder / "cert.pem").c_str());
    SSL_CTX_use_PrivateKey_file(context, (folder / "key.pem").c_str(), SSL_FILETYPE_PEM);
    server.emplace(
        [](Session& session, int) {
          while (session.read_until("\r\n\r\n").ends_with("\r\n\r\n")) session.send(kOk);
        },
        context);
  }
  Result<HttpClientResponse> ask(const std::string& host, const std::string& ca_file) {
    auto request = request_to(server->port);
    request.scheme = "https";
    request.host = host;
    return run_sync(exchange_once(request, nullptr, {.trust = {.ca_file = ca_file}}));
  }
  std::filesystem::path folder;
  SSL_CTX* context = nullptr;
  std::optional<ScriptedServer> server;
};

TEST_F(BeastClientTlsTest, ATrustedPeerIsAnswered) {
  serve("DNS:localhost,IP:127.0.0.1");
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const auto response = ask(host, folder / "cert.pem");
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "ok");
  }
}

TEST_F(BeastClientTlsTest, ASmallBodyTravelsWithItsHead) {
  serve("IP:127.0.0.1");
  std::string record;
  server.emplace(
      [&](Session& session, int) {
        session.receive();  // one record
        record = session.received;
        session.send(kOk);
      },
      context);
  auto request = request_to(server->port, "POST", 3);
  request.scheme = "https";
  Pieces source(3);
  ASSERT_TRUE(run_sync(exchange_once(request, &source, {.trust = {.ca_file = folder / "cert.pem"}})));
  EXPECT_TRUE(record.ends_with("\r\nContent-Length: 3\r\n\r\nxxx")) << record;
}

TEST_F(BeastClientTlsTest, ForeignNamesAndRootsAreDenied) {
  serve("DNS:other.example,IP:127.0.0.2");
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const auto wrong_name = ask(host, folder / "cert.pem");
    ASSERT_FALSE(wrong_name);
    EXPECT_EQ(wrong_name.error().kind, ErrorKind::denied) << wrong_name.error().message;
    EXPECT_EQ(wrong_name.error().code, "connection");
  }
  const auto unknown_root = ask("localhost", "");
  ASSERT_FALSE(unknown_root);
  EXPECT_EQ(unknown_root.error().kind, ErrorKind::denied) << unknown_root.error().message;
}

/// An environment variable, changed until the end of a test. Null: not set.
class ChangedVariable {
 public:
  ChangedVariable(const char* name, const char* value) : name_(name) {
    if (const char* const old = std::getenv(name)) old_ = old;
    set(value);
  }
  ~ChangedVariable() { set(old_ ? old_->c_str() : nullptr); }
  ChangedVariable(const ChangedVariable&) = delete;
  ChangedVariable& operator=(const ChangedVariable&) = delete;

 private:
  void set(const char* value) { value != nullptr ? ::setenv(name_, value, 1) : ::unsetenv(name_); }
  const char* name_;
  std::optional<std::string> old_;
};

TEST_F(BeastClientTlsTest, BuiltInRootsAreTrustedUnlessTheEnvironmentChoosesOthers) {
  serve("DNS:localhost");
  std::ifstream file(folder / "cert.pem");
  const std::string root{std::istreambuf_iterator<char>(file), {}};
  auto request = request_to(server->port);
  request.scheme = "https";
  request.host = "localhost";
  const auto ask_with_root = [&] {
    return run_sync(exchange_once(request, nullptr, {.trust = {.built_in_roots = root}}));
  };
  const ChangedVariable folder_variable("SSL_CERT_DIR", nullptr);
  {
    const ChangedVariable file_variable("SSL_CERT_FILE", nullptr);
    const auto response = ask_with_root();
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "ok");
  }
  const ChangedVariable file_variable("SSL_CERT_FILE", "/dev/null");
  const auto response = ask_with_root();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::denied);
}

TEST_F(BeastClientTlsTest, ARootFileThatIsNotThereIsReported) {
  serve("DNS:localhost");
  const auto response = ask("localhost", folder / "none.pem");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::invalid_argument);
}

TEST_F(BeastClientTlsTest, APeerWithoutTlsIsAFailureOfTheConnection) {
  ScriptedServer plain([](Session& session, int) {
    session.receive();
    session.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  });
  auto request = request_to(plain.port);
  request.scheme = "https";
  const auto response = run_sync(exchange_once(request, nullptr));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::transient) << response.error().message;
  EXPECT_EQ(response.error().code, "connection");
}

}  // namespace
}  // namespace s3link::http_client
