#include "core/base/language.hpp"

#include "core/base/encoding.hpp"

namespace s3link {

std::string_view to_string(Language language) noexcept {
  constexpr std::array<std::string_view, kLanguages.size()> kTags = {"en", "de", "fr", "es", "it", "nl", "pl", "uk"};
  return kTags[static_cast<std::size_t>(language)];
}

std::optional<Language> language_of(std::string_view tag) noexcept {
  const std::string_view primary = tag.substr(0, tag.find('-'));
  for (const Language language : kLanguages) {
    if (equals_ignoring_case(primary, to_string(language))) return language;
  }
  return std::nullopt;
}

}  // namespace s3link
