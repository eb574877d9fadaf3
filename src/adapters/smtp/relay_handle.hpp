#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "adapters/smtp/relay.hpp"
#include "core/base/result.hpp"

namespace s3link::smtp {

struct FreeHandle {
  void operator()(void* easy) const noexcept;
};
/// A handle of libcurl.
using RelayHandle = std::unique_ptr<void, FreeHandle>;

/// One that connects, greets and encrypts as `settings` say, and no more: it does not log in. `message` gets libcurl's
/// words, 256 bytes, and must outlive it. Throws std::runtime_error where libcurl has no memory.
RelayHandle make_relay_handle(const RelaySettings& settings, char* message);

/// As OpenSSL and our HTTPS client find their roots; libcurl alone would not look.
RelaySettings with_roots(RelaySettings settings);

/// "host:port", for messages.
std::string relay_name(const mail::RelayUrl& url);

/// What libcurl connects to: scheme, host, port, and as path the name that we greet with when we send for `sender`.
std::string relay_address(const RelaySettings& settings, std::string_view sender);

}  // namespace s3link::smtp
