#pragma once

#include <string>
#include <string_view>

namespace s3link::s3 {

/// What a downloaded object is called: the key's part after the last '/', or "download" when that is empty.
std::string file_name_of(std::string_view key);

/// `attachment; filename="report.pdf"; filename*=UTF-8''report.pdf`: makes browsers save instead of show. `filename` is
/// ASCII with '_' for what old clients misread; `filename*` is the exact name in UTF-8. Source: RFC 6266 §4.3 and
/// appendix D, RFC 8187 §3.2.
std::string attachment_disposition(std::string_view file_name);

}  // namespace s3link::s3
