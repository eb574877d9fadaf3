#include "adapters/http_client/trust.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <filesystem>

namespace s3link::http_client {

namespace {

// Debian and Alpine, Amazon Linux and Fedora.
constexpr const char* kBundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"};

bool exists(const char* path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// A hashed folder is looked up as needed; parsing a whole bundle costs some 30 ms.
bool defaults_exist() {
  return std::getenv(X509_get_default_cert_file_env()) != nullptr ||  // NOLINT(concurrency-mt-unsafe): nobody sets it
         std::getenv(X509_get_default_cert_dir_env()) != nullptr ||   // NOLINT(concurrency-mt-unsafe)
         exists(X509_get_default_cert_file()) || exists(X509_get_default_cert_dir());
}

}  // namespace

Result<std::unique_ptr<asio::ssl::context>> make_client_context(const std::string& ca_file) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  boost::system::error_code error;
  context->set_verify_mode(asio::ssl::verify_peer, error);
  if (!ca_file.empty()) {
    context->load_verify_file(ca_file, error);
    if (error) return fail(ErrorKind::invalid_argument, ca_file + ": " + error.message(), "connection");
    return context;
  }
  context->set_default_verify_paths(error);
  if (!defaults_exist()) {
    for (const char* bundle : kBundles) {
      if (!exists(bundle)) continue;
      context->load_verify_file(bundle, error);
      break;
    }
  }
  return context;
}

}  // namespace s3link::http_client
