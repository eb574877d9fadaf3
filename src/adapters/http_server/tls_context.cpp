#include "adapters/http_server/tls_context.hpp"

#include <openssl/ssl.h>

#include <string>

namespace s3link::http_server {

Result<std::shared_ptr<asio::ssl::context>> load_tls(const TlsFiles& files) {
  namespace ssl = asio::ssl;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  // TLS 1.2 with an ephemeral key and authenticated encryption only (RFC 9325 §4.2); TLS 1.3 has nothing else.
  if (SSL_CTX_set_cipher_list(context->native_handle(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
    return fail(ErrorKind::internal, "TLS: this OpenSSL knows no cipher that may be used");
  }
  context->set_options(ssl::context::default_workarounds | ssl::context::no_compression |
                       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  // Idle connections hold no record buffers.
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);

  boost::system::error_code error;
  // Otherwise OpenSSL would ask for a passphrase on the terminal.
  context->set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); }, error);
  if (!error) context->use_certificate_chain_file(files.certificate.string(), error);
  if (error) {
    return fail(ErrorKind::invalid_argument,
                "server.tls_certificate: " + files.certificate.string() + ": " + error.message());
  }
  context->use_private_key_file(files.key.string(), ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return fail(ErrorKind::invalid_argument, "server.tls_key: " + files.key.string() + ": " +
                                                 (error ? error.message() : "does not belong to the certificate"));
  }
  return context;
}

}  // namespace s3link::http_server
