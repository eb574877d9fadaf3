#include <openssl/ssl.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "adapters/http_server/server_fixture.hpp"
#include "support/test_certificate.hpp"

namespace s3link::http_server {
namespace {

using test_support::write_certificate;

// A TLS client over a RawPeer's socket, which does not verify.
class TlsPeer {
 public:
  TlsPeer(std::uint16_t port, int max_version = 0, const char* ciphers = nullptr)
      : peer_(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), tls_(nullptr, SSL_free) {
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    SSL_CTX_set_security_level(context_.get(), 0);
    if (ciphers != nullptr) EXPECT_EQ(SSL_CTX_set_cipher_list(context_.get(), ciphers), 1) << ciphers;
    tls_.reset(SSL_new(context_.get()));
    SSL_set_fd(tls_.get(), peer_.descriptor());
    connected_ = SSL_connect(tls_.get()) == 1;
  }
  bool connected() const { return connected_; }
  std::string version() const { return SSL_get_version(tls_.get()); }
  bool send(std::string_view text) {
    std::size_t sent = 0;
    return SSL_write_ex(tls_.get(), text.data(), text.size(), &sent) == 1;
  }
  // Until the answer holds `end`, or the connection ends.
  std::string read_until(std::string_view end) {
    std::string all;
    char piece[16384];
    std::size_t count = 0;
    while (!all.contains(end) && SSL_read_ex(tls_.get(), piece, sizeof piece, &count) == 1) all.append(piece, count);
    return all;
  }
  // Up to the end of the connection; true when the server said that it was the end.
  bool ended_properly() {
    read_until("\x01\x02never");
    return SSL_get_shutdown(tls_.get()) == SSL_RECEIVED_SHUTDOWN;
  }
  std::string subject() const {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(tls_.get()), X509_free);
    char name[256] = {};
    if (certificate)
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name, sizeof name);
    return name;
  }

 private:
  RawPeer peer_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
  bool connected_ = false;
};

class ServerTlsTest : public ServerTest {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "s3link-tls-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    files = {folder / "cert.pem", folder / "key.pem"};
    write_certificate(files.certificate, files.key, "DNS:localhost,IP:127.0.0.1", "first");
  }
  void TearDown() override {
    server.reset();
    std::filesystem::remove_all(folder);
  }
  std::filesystem::path folder;
  TlsFiles files;
};

TEST_F(ServerTlsTest, AnswersOverTls13AndTls12) {
  start({.tls = files});
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    TlsPeer peer(server->port(), version);
    ASSERT_TRUE(peer.connected());
    EXPECT_EQ(peer.version(), version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
    for (int round = 0; round < 2; ++round) {
      peer.send(get("/who"));
      const std::string who = peer.read_until("SHA384");
      EXPECT_TRUE(who.contains("127.0.0.1 secure " + peer.version() + " ")) << who;
    }
  }
}

TEST_F(ServerTlsTest, OlderVersionsAreRefused) {
  start({.tls = files});
  EXPECT_FALSE(TlsPeer(server->port(), TLS1_1_VERSION).connected());
  EXPECT_TRUE(TlsPeer(server->port()).connected());
}

/// RFC 9325 §4.2: forward secrecy and authenticated encryption, or nothing.
TEST_F(ServerTlsTest, Tls12IsSpokenWithGoodCiphersOnly) {
  start({.tls = files});
  for (const char* good : {"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
                           "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
                           "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"}) {
    EXPECT_TRUE(TlsPeer(server->port(), TLS1_2_VERSION, good).connected()) << good;
  }
  for (const char* bad : {"kRSA", "kDHE", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA",
                          "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384", "AESCCM", "aNULL"}) {
    EXPECT_FALSE(TlsPeer(server->port(), TLS1_2_VERSION, bad).connected()) << bad;
  }
}

TEST_F(ServerTlsTest, BodiesOfEverySizePass) {
  start({.tls = files});
  TlsPeer peer(server->port());
  for (const std::size_t size : {std::size_t{1}, std::size_t{16384}, std::size_t{16385}, std::size_t{1'000'000}}) {
    std::jthread sender([&] { peer.send(put("/count", std::string(size, 'x'))); });
    sender.join();
    EXPECT_TRUE(peer.read_until(std::to_string(size) + ' ' + std::to_string(size)).contains("200 OK"));
  }
}

TEST_F(ServerTlsTest, TheEndIsSaid) {
  start({.tls = files});
  TlsPeer peer(server->port());
  peer.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(peer.ended_properly());
}

TEST_F(ServerTlsTest, AnAnswerCutShortDoesNotLookWhole) {
  start({.tls = files});
  TlsPeer peer(server->port());
  peer.send(get("/short"));
  EXPECT_FALSE(peer.ended_properly());
}

TEST_F(ServerTlsTest, AReloadIsSeenByNewConnections) {
  start({.tls = files});
  TlsPeer old_peer(server->port());
  EXPECT_EQ(old_peer.subject(), "first");
  write_certificate(files.certificate, files.key, "DNS:localhost", "second");
  ASSERT_TRUE(server->reload_tls());
  EXPECT_EQ(TlsPeer(server->port()).subject(), "second");
  old_peer.send(get("/"));
  EXPECT_TRUE(old_peer.read_until("ok").contains("200 OK"));
}

TEST_F(ServerTlsTest, AFailedReloadKeepsTheOldCertificate) {
  start({.tls = files});
  std::ofstream(files.certificate) << "nonsense";
  const auto reloaded = server->reload_tls();
  ASSERT_FALSE(reloaded);
  EXPECT_TRUE(reloaded.error().message.starts_with("server.tls_certificate: ")) << reloaded.error().message;
  EXPECT_EQ(TlsPeer(server->port()).subject(), "first");
}

TEST_F(ServerTlsTest, WrongFilesAreRefusedAtTheStart) {
  write_certificate(folder / "other.pem", folder / "other.key", "DNS:localhost");
  const auto foreign = Server::listen({.tls = TlsFiles{files.certificate, folder / "other.key"}}, handler, log);
  ASSERT_FALSE(foreign);
  EXPECT_TRUE(foreign.error().message.starts_with("server.tls_key: ")) << foreign.error().message;
  const auto missing = Server::listen({.tls = TlsFiles{folder / "none.pem", files.key}}, handler, log);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::invalid_argument);
  EXPECT_TRUE(missing.error().message.contains("none.pem: No such file")) << missing.error().message;
}

TEST_F(ServerTlsTest, ASlowHandshakeIsEnded) {
  start({.tls = files, .head_timeout = 100ms});
  RawPeer peer = connect();
  peer.send("\x16\x03\x01");
  EXPECT_TRUE(peer.ended());
}

TEST_F(ServerTlsTest, PlainHttpIsNotAnswered) {
  start({.tls = files});
  RawPeer peer = connect();
  peer.send(get("/"));
  EXPECT_FALSE(peer.response());
  EXPECT_EQ(handler.requests, 0);
}

TEST_F(ServerTlsTest, AnEarlyAnswerReachesAClientThatSendsOn) {
  start({.tls = files});
  TlsPeer peer(server->port());
  peer.send("PUT /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
  const std::string piece(100'000, 'x');
  for (int index = 0; index < 30; ++index) ASSERT_TRUE(peer.send(piece)) << index;
  EXPECT_TRUE(peer.read_until("\r\n\r\nno").contains("403 Forbidden"));
}

TEST_F(ServerTlsTest, StopEndsIdleAndBusyConnections) {
  start({.tls = files});
  TlsPeer idle(server->port());
  TlsPeer busy(server->port());
  busy.send(get("/big"));
  EXPECT_TRUE(eventually([&] { return handler.requests == 1; }));
  server->stop(50ms);
  EXPECT_EQ(server->connections(), 0U);
}

}  // namespace
}  // namespace s3link::http_server
