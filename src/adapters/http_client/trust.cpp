#include "adapters/http_client/trust.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <filesystem>

#include "adapters/http_client/lazy_roots.hpp"

namespace s3link::http_client {

namespace {

// Debian and Alpine, Amazon Linux and Fedora.
constexpr const char* kBundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"};

bool exists(const char* path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

bool chosen_by_environment() {
  return std::getenv(X509_get_default_cert_file_env()) != nullptr ||  // NOLINT(concurrency-mt-unsafe): nobody sets it
         std::getenv(X509_get_default_cert_dir_env()) != nullptr;     // NOLINT(concurrency-mt-unsafe)
}

// A hashed folder is looked up as needed.
bool defaults_exist() { return exists(X509_get_default_cert_file()) || exists(X509_get_default_cert_dir()); }

void add_roots_of_system(asio::ssl::context& context, std::string_view built_in_roots) {
  boost::system::error_code ignored;
  X509_STORE* const store = SSL_CTX_get_cert_store(context.native_handle());
  // In the order in which they are asked.
  if (!built_in_roots.empty()) add_lazy_roots(store, {.text = built_in_roots, .file = {}});
  if (defaults_exist()) {
    context.set_default_verify_paths(ignored);
    return;
  }
  for (const char* bundle : kBundles) {
    if (!exists(bundle)) continue;
    add_lazy_roots(store, {.text = {}, .file = bundle});
    break;
  }
}

}  // namespace

Result<std::unique_ptr<asio::ssl::context>> make_client_context(const Trust& trust) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  boost::system::error_code error;
  context->set_verify_mode(asio::ssl::verify_peer, error);
  if (!trust.ca_file.empty()) {
    context->load_verify_file(trust.ca_file, error);
    if (error) return fail(ErrorKind::invalid_argument, trust.ca_file + ": " + error.message(), "connection");
  } else if (chosen_by_environment()) {
    context->set_default_verify_paths(error);
  } else {
    add_roots_of_system(*context, trust.built_in_roots);
  }
  return context;
}

}  // namespace s3link::http_client
