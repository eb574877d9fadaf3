#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link::aws {

/// What a person can do about a SendEmail that Amazon SES refused, in a sentence; empty: nothing known.
/// Sources: Amazon SES API v2 Reference, "SendEmail", Errors; Amazon SES Developer Guide, "Errors related to the
/// sending quotas", "Amazon SES email sending errors".
std::string ses_advice(const Error& error, std::string_view region);

}  // namespace s3link::aws
