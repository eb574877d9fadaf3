#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/smtp/relay.hpp"
#include "adapters/smtp/smtp_reply.hpp"
#include "core/base/result.hpp"

namespace s3link::smtp {

struct FreeHandle {
  void operator()(void* easy) const noexcept;
};
/// A handle of libcurl.
using RelayHandle = std::unique_ptr<void, FreeHandle>;

/// One that connects, encrypts and logs in as `settings` say, within their times. `message` gets libcurl's words, 256
/// bytes, and must outlive it. Throws std::runtime_error where libcurl has no memory.
RelayHandle make_relay_handle(const RelaySettings& settings, char* message);

/// As OpenSSL and our HTTPS client find their roots; libcurl alone would not look.
RelaySettings with_roots(RelaySettings settings);

/// "host:port", for messages.
std::string relay_name(const mail::RelayUrl& url);

/// What libcurl connects to: scheme, host, port, and as path the name that we greet with when we send for `sender`.
std::string relay_address(const mail::RelayUrl& url, std::string_view sender);

/// A failure in words: the relay's where it refused, else what libcurl said, which may be empty.
Error relay_error(int curl_code, const std::optional<Reply>& reply, std::string_view said, std::string_view relay);

}  // namespace s3link::smtp
