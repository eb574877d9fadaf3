#pragma once

#include <string_view>

#include "core/base/language.hpp"

namespace s3link::mail {

/// What the built-in template says: parts of Mustache templates, alike in text and HTML.
struct BuiltInWords {
  std::string_view subject;
  std::string_view sent, anonymous;  ///< with a sender's name, without
  std::string_view file, size;       ///< labels
  std::string_view here, button;
  std::string_view until, removed;
  std::string_view copy;
  std::string_view care, unexpected;
};

const BuiltInWords& built_in_words(Language language) noexcept;

}  // namespace s3link::mail
