#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::http_client {

/// Which roots a client trusts.
struct Trust {
  /// PEM file with the roots to trust, and no others.
  std::string ca_file = {};
  /// PEM text, which must outlive the context: roots that are looked at before the system's. Not with SSL_CERT_FILE or
  /// SSL_CERT_DIR.
  std::string_view built_in_roots = {};
};

/// A client context that verifies peers, TLS 1.2 and newer. Without `ca_file`: SSL_CERT_FILE and SSL_CERT_DIR where
/// set, else the built-in roots, then the folder or bundle of the system we run on, which is not always the one OpenSSL
/// was built for. Errors: invalid_argument (the file cannot be read).
Result<std::unique_ptr<asio::ssl::context>> make_client_context(const Trust& trust);

}  // namespace s3link::http_client
