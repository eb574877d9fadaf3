#pragma once

#include <string>
#include <string_view>

#include "core/base/language.hpp"
#include "core/page/link_trouble.hpp"

namespace s3link::page {

/// The page that a person sees whose link does not open: what happened, and whom to ask. Nothing of the request is in
/// it, it needs no script and fetches nothing. `contact` is an addr-spec; empty: nobody is named.
std::string recipient_page(LinkTrouble trouble, Language language, std::string_view contact);

/// The Content-Security-Policy that lets that page have its own style, and nothing else.
const std::string& recipient_page_policy();

}  // namespace s3link::page
