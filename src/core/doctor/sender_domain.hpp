#pragma once

#include <string>
#include <string_view>

namespace s3link::doctor {

/// Why no records can be expected of a mail domain in the public DNS: "localhost", a name without a dot, an address,
/// the special names of RFC 6761, RFC 6762, RFC 8375. Empty: it may have some.
std::string why_no_public_records(std::string_view domain);

}  // namespace s3link::doctor
