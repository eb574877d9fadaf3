#pragma once

#include <boost/asio/ip/udp.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "core/base/result.hpp"

namespace s3link::xray {

/// Where the daemon's datagrams go: a name's IPv4 address before its others, as the daemon listens on IPv4 unless told
/// otherwise. Blocks while a name is looked up. Errors: transient.
Result<boost::asio::ip::udp::endpoint> resolve_daemon(const std::string& host, std::uint16_t port);

/// Sends an empty datagram, and waits for the system to say that nobody is there. UDP tells no more than that, and only
/// of hosts that answer: silence is success. Blocks. Errors: transient.
Status probe_daemon(const std::string& host, std::uint16_t port, std::chrono::milliseconds wait);

}  // namespace s3link::xray
