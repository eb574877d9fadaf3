#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/keys.hpp"
#include "core/config/settings.hpp"

namespace s3link::config {

/// What the settings are made of, strongest last: defaults, file, environment, flags.
struct Sources {
  struct File {
    std::string name;  ///< for messages
    std::string toml;
  };
  struct Flag {
    std::string option;  ///< "--listen"
    std::string key;     ///< "server.listen"
    std::string value;
  };
  std::optional<File> file;
  std::map<std::string, std::string> environment;  ///< only names beginning with S3LINK_ are looked at
  std::vector<Flag> flags;
  /// The sections that are needed; empty: all. What is wrong in others is passed over, and their settings mean nothing.
  std::vector<std::string_view> sections = {};
  /// Whether the system knows the zone of email.time_zone; the error says what it knows. Null: it is not asked.
  Status (*check_time_zone)(const std::string& name) = nullptr;
};

/// Something that is wrong, where it stands, and what to write instead. Never holds a secret.
struct Problem {
  std::string where;    ///< "s3link.toml:12", "S3LINK_LINK_EXPIRATION", "--listen", "default"
  std::string setting;  ///< "link.expiration"; empty for a file that is no TOML
  std::string message;

  /// One line.
  std::string text() const;
  bool operator==(const Problem&) const = default;
};

/// One setting as it is in force.
struct EffectiveValue {
  const Key* key = nullptr;
  std::vector<std::string> texts;  ///< as written; empty: none. Of a secret: empty even when there is one
  bool secret_given = false;
  bool given = false;  ///< false: default or derived
  std::string source;  ///< as Problem::where
};

struct Loaded {
  Settings settings;
  std::vector<EffectiveValue> values;  ///< one for each key, in the table's order
  std::vector<std::string> warnings;   ///< allowed, but probably not what is wanted
};

/// Reads, checks and combines what is needed; the error lists every problem there is, in the order of the sources.
std::expected<Loaded, std::vector<Problem>> load(const Sources& sources);

/// The environment variable that names the configuration file where no flag does.
inline constexpr std::string_view kConfigVariable = "S3LINK_CONFIG";

}  // namespace s3link::config
