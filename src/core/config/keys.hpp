#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/config/settings.hpp"

namespace s3link::config {

/// How a value is written in TOML. From the environment or a flag it is always text, a list with commas. A path is
/// text; a relative one counts from the folder of the file that it stands in, else from the working directory.
enum class ValueType { text, path, whole_number, fraction, duration, size, list };

/// One setting. The table of them is the only place that knows its name, default, range and meaning; parsing, the
/// environment names, `config init`, `config show` and `config check` follow it.
struct Key {
  std::string_view section, name;
  ValueType type;
  std::string_view default_text;    ///< as a user would write it; empty: none, or see `derived`
  std::string_view derived;         ///< in words, what stands in when nothing is given; empty: nothing does
  std::string_view example;         ///< shown by `config init` where there is no default
  std::string_view help;            ///< one or more lines
  std::string_view published_name;  ///< of the same setting in the published design; empty: none
  bool secret;                      ///< its value is never shown
  /// Checks the texts and stores them; one text unless the type is list. No text: back to none (only for keys without a
  /// default). The error says what is wrong and what is allowed, without repeating a secret.
  Status (*set)(Settings& settings, const std::vector<std::string>& texts);

  std::string dotted() const { return std::string(section) + "." + std::string(name); }
  /// S3LINK_<SECTION>_<KEY>.
  std::string environment_name() const;
};

/// All keys, by section, in the order of the documentation.
std::span<const Key> keys() noexcept;
/// Null when there is none.
const Key* find_key(std::string_view section, std::string_view name) noexcept;
const Key* find_key_by_environment(std::string_view variable);
/// What a sections' keys are about: one line.
std::string_view section_help(std::string_view section) noexcept;

/// The candidate that was probably meant, if one is close.
std::optional<std::string> closest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace s3link::config
