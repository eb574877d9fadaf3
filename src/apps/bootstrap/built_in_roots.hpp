#pragma once

#include <string_view>

namespace s3link::bootstrap {

/// The roots that AWS's endpoints are issued under, PEM: Amazon Root CA 1 to 4 and Starfield Services Root CA - G2.
/// Source: Amazon Trust Services, "Repository"; taken at build time from Debian's ca-certificates.
std::string_view built_in_roots() noexcept;

}  // namespace s3link::bootstrap
