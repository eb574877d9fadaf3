#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace s3link::mail {

/// The text as one line that shows what it is: line breaks and tabs become a space, other control characters,
/// bidirectional overrides, zero-width characters and line separators are removed (they would let "fdp.exe" look like
/// "exe.pdf"), bytes that are not UTF-8 become U+FFFD. Joiners inside emoji and scripts stay. No blanks at the ends.
std::string visible_text(std::string_view text);

/// Whether that one character, whole and in UTF-8, is among those that visible_text() removes or makes a space: it
/// shows nothing, or changes how others are shown.
bool is_invisible(std::string_view character);

inline constexpr std::size_t kMaxFileNameCharacters = 120;

/// What a key is called in a mail: its last segment as visible_text(), at most 120 characters (code points); a longer
/// one is cut in the middle by "…" so that the extension stays. A key without a name is "file".
std::string display_file_name(std::string_view key);

}  // namespace s3link::mail
