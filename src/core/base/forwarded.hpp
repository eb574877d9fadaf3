#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/ip_address.hpp"

namespace s3link {

/// Whose request it is: the peer; or, where that is one of the trusted proxies, the last address in X-Forwarded-For or
/// Forwarded (RFC 7239) that is none of them, since each proxy writes behind what it was told. What cannot be read ends
/// the list, as does a name in place of an address ("unknown", "_hidden"): then the proxy that said so is the answer.
/// Both fields at once must agree: one of them may be the client's own, which the proxy let through; else it is the
/// peer. `peer` is returned as it is where it counts.
std::string client_address(const std::string& peer, const std::vector<std::pair<std::string, std::string>>& fields,
                           std::span<const IpNetwork> trusted);

/// The addresses of "for=" in a Forwarded field, in order, without ports; what is no address is empty. An element
/// without "for=" is empty, too. Nothing at all: malformed.
std::optional<std::vector<std::optional<IpAddress>>> parse_forwarded(std::string_view field);

/// The same of X-Forwarded-For, which cannot be malformed.
std::vector<std::optional<IpAddress>> parse_forwarded_for(std::string_view field);

}  // namespace s3link
