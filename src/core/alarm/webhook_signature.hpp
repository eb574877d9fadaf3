#pragma once

#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/base/secret.hpp"

namespace s3link::alarm {

inline constexpr std::string_view kSignatureHeader = "X-s3link-Signature";

/// The header's value, "t=1796738405,v1=<64 hexadecimal digits>": `when` in whole seconds since 1970, and the
/// HMAC-SHA256, keyed with `secret`, of that number as it stands there, a dot, and the body's bytes.
/// Who knows the secret can so tell that the body is ours and, by the time, that it is not an old one sent again.
std::string webhook_signature(const Secret& secret, Instant when, std::string_view body);

}  // namespace s3link::alarm
