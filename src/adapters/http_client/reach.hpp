#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "adapters/http_client/trust.hpp"
#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::http_client {

/// Resolves a name, connects, and with `https` shakes hands and verifies; then closes without having said anything.
/// For peers that must not be asked for nothing, such as a webhook. `executor`: a single thread or a strand.
/// Errors: transient (name, refusal, timeout), denied (certificate), invalid_argument (no roots); the message does not
/// name the host.
Awaitable<Status> reach(asio::any_io_executor executor, bool https, std::string host, std::uint16_t port, Trust trust,
                        std::chrono::milliseconds deadline);

}  // namespace s3link::http_client
