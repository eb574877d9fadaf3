#pragma once

#include <string_view>

#include "core/base/language.hpp"
#include "core/page/link_trouble.hpp"

namespace s3link::page {

/// What the page says: a heading, what happened and what to do about it, and the words before the address to ask.
struct RecipientText {
  std::string_view heading;
  std::string_view explanation;
  std::string_view ask;
};

RecipientText recipient_text(LinkTrouble trouble, Language language) noexcept;

}  // namespace s3link::page
