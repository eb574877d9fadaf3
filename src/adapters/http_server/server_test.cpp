#include "adapters/http_server/server.hpp"

#include <thread>

#include <future>
#include <latch>

#include "adapters/http_server/server_fixture.hpp"

namespace s3link::http_server {
namespace {

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  start();
  RawPeer peer = connect();
  for (int round = 0; round < 3; ++round) {
    peer.send(put("/echo?a=%20", "hello"));
    const auto response = peer.response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.body, "hello");
    EXPECT_EQ(response.fields.at("x-target"), "/echo?a=%20");
    EXPECT_EQ(response.fields.at("server"), "s3link");
    EXPECT_TRUE(response.fields.at("date").ends_with(" GMT"));
    EXPECT_FALSE(response.fields.contains("connection"));
  }
  EXPECT_EQ(handler.requests, 3);
}

TEST_F(ServerTest, ThreadsThatWorkAnswerAndOneThatIsStuckDoesNot) {
  start({.threads = 2});
  std::latch stuck(1);
  std::latch release(1);
  server->ask_threads([&] {  // the last thread of the two
    stuck.count_down();
    release.wait();
  });
  stuck.wait();
  auto answer = std::make_shared<std::promise<void>>();
  auto answered = answer->get_future();
  server->ask_threads([answer] { answer->set_value(); });
  EXPECT_EQ(answered.wait_for(50ms), std::future_status::timeout);
  release.count_down();
  answered.get();
}

TEST_F(ServerTest, ClosesWhenAskedTo) {
  start();
  RawPeer peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(peer.response().fields.at("connection"), "close");
  EXPECT_TRUE(peer.ended());
}

TEST_F(ServerTest, Http10IsAnsweredAndClosed) {
  start();
  RawPeer peer = connect();
  peer.send("GET /who HTTP/1.0\r\n\r\n");
  const auto response = peer.response();
  EXPECT_EQ(response.body, "127.0.0.1 plain");
  EXPECT_EQ(response.fields.at("connection"), "close");
  EXPECT_TRUE(peer.ended());
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrderHoweverTheyAreSplit) {
  start({.threads = 1});
  const std::string stream = put("/echo?1", "first") + get("/echo?2") +
                             "PUT /echo?3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n" +
                             put("/refuse?4", "unread") + "\r\n" + put("/echo?5", "last");
  for (std::size_t split = 1; split < stream.size(); ++split) {
    RawPeer peer = connect();
    peer.send(std::string_view(stream).substr(0, split));
    std::this_thread::sleep_for(1ms);
    peer.send(std::string_view(stream).substr(split));
    for (const std::string want : {"first", "", "abcde", "no", "last"}) {
      const auto response = peer.response();
      ASSERT_TRUE(response) << "split at " << split << ", wanted " << want;
      EXPECT_EQ(response.body, want) << "split at " << split;
    }
  }
}

TEST_F(ServerTest, ByteByByteIsUnderstood) {
  start();
  RawPeer peer = connect();
  const std::string chunked =
      "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nA\r\n0123456789\r\n0\r\n\r\n";
  for (const std::string& request : {put("/echo", "abc"), chunked, get("/")}) {
    for (const char byte : request) peer.send({&byte, 1});
    ASSERT_TRUE(peer.response());
  }
}

TEST_F(ServerTest, LargeBodiesComeWholeInBoundedPieces) {
  start();
  std::string body(3'000'001, ' ');
  for (std::size_t index = 0; index < body.size(); ++index) body[index] = static_cast<char>(index * 7 % 251);
  RawPeer peer = connect();
  std::thread sender([&] {
    peer.send(put("/echo", body));
    peer.send("PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (std::size_t at = 0; at < body.size(); at += 100'000) {
      const std::string piece = body.substr(at, 100'000);
      char size[32];
      std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
      peer.send(size + piece + "\r\n");
    }
    peer.send("0\r\n\r\n");
  });
  EXPECT_TRUE(peer.response().body == body);
  EXPECT_TRUE(peer.response().body == body);
  sender.join();
}

TEST_F(ServerTest, ChunkedBodyHasNoDeclaredLength) {
  start();
  EXPECT_EQ(ask("PUT /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n").body,
            "2 chunked");
  EXPECT_EQ(ask(put("/count", "abc")).body, "3 3");
  EXPECT_EQ(ask(get("/count")).body, "0 0");
}

TEST_F(ServerTest, BrokenChunksAreAnErrorOfTheBody) {
  start();
  RawPeer peer = connect();
  peer.send("PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n");
  const auto response = peer.response();
  EXPECT_EQ(response.status, 400U);
  EXPECT_EQ(response.body, "InvalidRequest");
  EXPECT_TRUE(peer.ended());
}

TEST_F(ServerTest, AShortBodyIsAnErrorOfTheBody) {
  start();
  RawPeer peer = connect();
  peer.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  peer.finish_sending();
  EXPECT_EQ(peer.response().body, "IncompleteBody");
}

struct RefusalCase {
  std::string name, request;
  unsigned status;
  std::string code;
};
const std::vector<RefusalCase> kRefusals = {
    {"both_lengths",
     "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "InvalidRequest"},
    {"two_lengths", "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400,
     "InvalidRequest"},
    {"unknown_coding", "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "NotImplemented"},
    {"bare_line_feed", "GET / HTTP/1.1\nHost: h\n\n", 400, "InvalidRequest"},
    {"no_host", "GET / HTTP/1.1\r\n\r\n", 400, "InvalidRequest"},
    {"http_2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTPVersionNotSupported"},
    {"long_head", "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", 431,
     "RequestHeaderSectionTooLarge"},
    {"other_expectation", "PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx", 417,
     "ExpectationFailed"},
};
class ServerRefusalTest : public ServerTest, public testing::WithParamInterface<RefusalCase> {};
TEST_P(ServerRefusalTest, AnswersAnErrorDocumentAndClosesWithoutCallingTheHandler) {
  start();
  RawPeer peer = connect();
  peer.send(GetParam().request + get("/smuggled"));
  const auto response = peer.response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(response.fields.at("connection"), "close");
  EXPECT_EQ(response.fields.at("content-type"), "application/xml");
  EXPECT_NE(response.body.find("<Error><Code>" + GetParam().code + "</Code>"), std::string::npos) << response.body;
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(handler.requests, 0);
}
INSTANTIATE_TEST_SUITE_P(Table, ServerRefusalTest, testing::ValuesIn(kRefusals),
                         [](const auto& row) { return row.param.name; });

TEST_F(ServerTest, ContinueIsSentWhenTheHandlerReadsTheBody) {
  start();
  RawPeer peer = connect();
  peer.send("PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n");
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(peer.read(interim.size()), interim);
  peer.send("hello");
  EXPECT_EQ(peer.response().body, "hello");
  peer.send(get("/"));
  EXPECT_EQ(peer.response().body, "ok");
}

TEST_F(ServerTest, ContinueIsSentForAnEmptyBodyToo) {
  start();
  RawPeer peer = connect();
  peer.send("PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(peer.read(interim.size()), interim);
  EXPECT_EQ(peer.response().status, 200U);
  peer.send(get("/"));
  EXPECT_EQ(peer.response().body, "ok");
}

TEST_F(ServerTest, ContinueIsNotSentWhenTheHandlerRefusesFirst) {
  start();
  RawPeer peer = connect();
  peer.send("PUT /refuse HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  const auto response = peer.response();
  EXPECT_EQ(response.status, 403U);
  // Whether the client still sends the body cannot be known, so nothing can follow.
  EXPECT_EQ(response.fields.at("connection"), "close");
  EXPECT_TRUE(peer.ended());
}

TEST_F(ServerTest, ContinueIsNotSentWhenTheBodyIsHereAlready) {
  start();
  RawPeer peer = connect();
  peer.send(put("/echo", "hello", "Expect: 100-continue\r\n"));
  EXPECT_EQ(peer.response().status, 200U);
}

TEST_F(ServerTest, AnEarlyAnswerToAShortBodyKeepsTheConnection) {
  start();
  RawPeer peer = connect();
  peer.send("PUT /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n");
  EXPECT_EQ(peer.response().status, 403U);
  peer.send(std::string(200'000, 'x') + get("/"));
  EXPECT_EQ(peer.response().body, "ok");
}

TEST_F(ServerTest, AnEarlyAnswerReachesAClientThatSendsOn) {
  start();
  for (const char* framing : {"Content-Length: 100000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5F5E100\r\n"}) {
    RawPeer peer = connect();
    peer.send(std::string("PUT /refuse-later HTTP/1.1\r\nHost: h\r\n") + framing);
    // A client that looks for an answer only when it has sent everything.
    std::uint64_t sent = 0;
    const std::string piece(100'000, 'x');
    while (sent < 100'000'000 && peer.send(piece)) sent += piece.size();
    EXPECT_EQ(sent, 100'000'000U);
    const auto response = peer.response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response.status, 403U);
    EXPECT_EQ(response.fields.at("connection"), "close");
  }
}

TEST_F(ServerTest, HeadAndBodilessAnswersSendNoBody) {
  start();
  RawPeer peer = connect();
  peer.send("HEAD /big HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(peer.response(true).fields.at("content-length"), std::to_string(ScriptedHandler::kBig));
  peer.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(peer.response(true).fields.at("content-length"), "2");
  peer.send(get("/no-content"));
  const auto no_content = peer.response();
  EXPECT_EQ(no_content.status, 204U);
  EXPECT_FALSE(no_content.fields.contains("content-length"));
  peer.send(get("/not-modified"));
  const auto not_modified = peer.response();
  EXPECT_EQ(not_modified.status, 304U);
  EXPECT_FALSE(not_modified.fields.contains("content-length"));
  peer.send(get("/"));
  EXPECT_EQ(peer.response().body, "ok");
}

TEST_F(ServerTest, FieldsOfTheConnectionAreTheServersOwn) {
  start();
  const auto response = ask(get("/own-fields"));
  EXPECT_EQ(response.fields.at("content-length"), "1");
  EXPECT_FALSE(response.fields.contains("connection"));
  EXPECT_NE(response.fields.at("date"), "x");
}

TEST_F(ServerTest, ALineBreakInAFieldIsNotSent) {
  start();
  const auto response = ask(get("/split"));
  EXPECT_EQ(response.status, 500U);
  EXPECT_FALSE(response.fields.contains("set-cookie"));
}

TEST_F(ServerTest, ALargeAnswerComesWhole) {
  start();
  EXPECT_EQ(ask(get("/big")).body.size(), ScriptedHandler::kBig);
}

TEST_F(ServerTest, AnExceptionBeforeTheAnswerBecomes500) {
  start();
  for (const char* path : {"/throw", "/held-throw", "/silent"}) {
    RawPeer peer = connect();
    peer.send(get(std::string(path) + "?X-Amz-Signature=secret"));
    const auto response = peer.response();
    ASSERT_TRUE(response) << path;
    EXPECT_EQ(response.status, 500U) << path;
    EXPECT_NE(response.body.find("<Code>InternalError</Code>"), std::string::npos);
    EXPECT_TRUE(peer.ended());
  }
  EXPECT_NE(log.text().find("error=thrown on purpose method=GET path=/throw client=127.0.0.1"), std::string::npos)
      << log.text();
  EXPECT_EQ(log.text().find("secret"), std::string::npos);
  EXPECT_EQ(ask(get("/")).body, "ok");
}

TEST_F(ServerTest, AnAnswerThatEndsEarlyClosesTheConnection) {
  start();
  for (const char* path : {"/throw-later", "/short", "/long"}) {
    RawPeer peer = connect();
    peer.send(get(path) + get("/"));
    const std::string all = peer.read_all();
    EXPECT_EQ(all.find("HTTP/1.1", 1), std::string::npos) << path << ": " << all;
    EXPECT_TRUE(all.ends_with("\r\n\r\n12345") || all.ends_with("\r\n\r\n123")) << path << ": " << all;
  }
}

TEST_F(ServerTest, ASecondAnswerIsRefused) {
  start();
  RawPeer peer = connect();
  peer.send(get("/twice") + get("/"));
  EXPECT_EQ(peer.response().body, "one");
  EXPECT_EQ(peer.response().body, "ok");
}

TEST_F(ServerTest, AClientThatLeavesFreesItsConnection) {
  start();
  {
    RawPeer reader = connect();
    reader.send(get("/big"));
    RawPeer writer = connect();
    writer.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nabc");
    RawPeer starter = connect();
    starter.send("GET / HT");
    EXPECT_TRUE(eventually([&] { return server->connections() == 3; }));
  }
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
  EXPECT_TRUE(handler.write_failed);
}

TEST(ServerListen, HostsAndNames) {
  ScriptedHandler handler;
  KeptLog log;
  for (const char* host : {"127.0.0.1", "localhost", "0.0.0.0"}) {
    auto server = Server::listen({.host = host}, handler, log);
    ASSERT_TRUE(server) << server.error().message;
    (*server)->run();
    RawPeer peer((*server)->port());
    peer.send(get("/who"));
    EXPECT_EQ(peer.response().body, "127.0.0.1 plain");
  }
  for (const char* host : {"::1", "[::1]", "::"}) {
    auto server = Server::listen({.host = host}, handler, log);
    if (!server) GTEST_SKIP() << "no IPv6 here: " << server.error().message;
    EXPECT_NE((*server)->port(), 0);
  }
}

TEST(ServerListen, IPv4ClientsOfAnIPv6SocketShowTheirOwnAddress) {
  ScriptedHandler handler;
  KeptLog log;
  auto server = Server::listen({.host = "::"}, handler, log);
  if (!server) GTEST_SKIP() << "no IPv6 here: " << server.error().message;
  (*server)->run();
  RawPeer peer((*server)->port());
  peer.send(get("/who"));
  EXPECT_EQ(peer.response().body, "127.0.0.1 plain");
}

TEST(ServerListen, AnAddressInUseIsAConflictThatNamesTheKey) {
  ScriptedHandler handler;
  KeptLog log;
  const auto first = Server::listen({}, handler, log);
  ASSERT_TRUE(first);
  const auto second = Server::listen({.port = (*first)->port()}, handler, log);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  EXPECT_EQ(second.error().message, "server.listen: 127.0.0.1:" + std::to_string((*first)->port()) +
                                        ": the address is in use by another program");
}

TEST(ServerListen, UnknownHostsAreRefused) {
  ScriptedHandler handler;
  KeptLog log;
  for (const char* host : {"no.such.host.invalid", "192.0.2.1", "999.1.1.1"}) {
    const auto server = Server::listen({.host = host}, handler, log);
    ASSERT_FALSE(server) << host;
    EXPECT_EQ(server.error().kind, ErrorKind::invalid_argument);
    EXPECT_TRUE(server.error().message.starts_with("server.listen: ")) << server.error().message;
  }
}

}  // namespace
}  // namespace s3link::http_server
