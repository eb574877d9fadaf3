#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace s3link {

/// What we speak to recipients. All of them are written from left to right.
enum class Language { en, de, fr, es, it, nl, pl, uk };

inline constexpr std::array kLanguages = {Language::en, Language::de, Language::fr, Language::es,
                                          Language::it, Language::nl, Language::pl, Language::uk};

/// The language tag (BCP 47): "en".
std::string_view to_string(Language language) noexcept;
/// From such a tag, in any case; regions and scripts are passed over ("de-CH" is de). Empty: not one of ours.
std::optional<Language> language_of(std::string_view tag) noexcept;

}  // namespace s3link
