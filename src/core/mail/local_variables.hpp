#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "core/mail/link_variables.hpp"

namespace s3link::mail {

/// The names of what a template can show in its readers' language and time zone; LinkTemplate says what each holds. The
/// Lambda function does not have them.
inline constexpr std::array<std::string_view, 5> kLocalVariables = {"FILE_SIZE_LOCAL", "EXPIRES_LOCAL",
                                                                    "EXPIRES_LOCAL_SHORT", "REMOVED_LOCAL", "LANGUAGE"};

/// Their values, in that order: plain text; empty where there is none.
std::array<std::pair<std::string_view, std::string>, kLocalVariables.size()> local_variables(const LinkMailData& data);

}  // namespace s3link::mail
