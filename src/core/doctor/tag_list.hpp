#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link::doctor {

/// The tags of a DKIM or DMARC record, "v=DMARC1; p=none". Values are without the white space around them.
/// Source: RFC 6376 §3.2.
using TagList = std::map<std::string, std::string, std::less<>>;

/// Errors: invalid_argument (a part that is no tag, a tag given twice), naming it.
Result<TagList> parse_tag_list(std::string_view text);

/// The value, or empty.
std::string_view tag_value(const TagList& tags, std::string_view name);

}  // namespace s3link::doctor
