#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::http_client {

/// A client context that verifies peers, TLS 1.2 and newer. `ca_file` empty: SSL_CERT_FILE and SSL_CERT_DIR where set,
/// else the folder or bundle of the system we run on, which is not always the one OpenSSL was built for.
/// Errors: invalid_argument (the file cannot be read).
Result<std::unique_ptr<asio::ssl::context>> make_client_context(const std::string& ca_file);

}  // namespace s3link::http_client
