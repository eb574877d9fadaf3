#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "adapters/http_server/server.hpp"

namespace s3link::http_server {

/// Reads certificate chain and key, and checks that they belong together. TLS 1.2 and newer.
/// Errors: invalid_argument, naming the file and its configuration key.
Result<std::shared_ptr<asio::ssl::context>> load_tls(const TlsFiles& files);

}  // namespace s3link::http_server
