#include "core/config/render.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "core/base/encoding.hpp"

namespace s3link::config {
namespace {

constexpr std::string_view kMask = "********";

/// A TOML basic string.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_value(const Key& key, const std::vector<std::string>& texts) {
  switch (key.type) {
    case ValueType::whole_number:
    case ValueType::fraction:
      return texts.empty() ? "0" : texts[0];
    case ValueType::list: {
      std::vector<std::string> parts;
      for (const std::string& text : texts) parts.push_back(toml_string(text));
      return parts.size() == 1 ? parts[0] : fmt::format("[{}]", fmt::join(parts, ", "));
    }
    case ValueType::text:
    case ValueType::path:
    case ValueType::duration:
    case ValueType::size:
      break;
  }
  return toml_string(texts.empty() ? "" : texts[0]);
}

void append_comment(std::string& out, std::string_view lines) {
  while (true) {
    const auto end = lines.find('\n');
    fmt::format_to(std::back_inserter(out), "# {}\n", lines.substr(0, end));
    if (end == std::string_view::npos) return;
    lines.remove_prefix(end + 1);
  }
}

}  // namespace

std::string render_file(std::span<const EffectiveValue> values) {
  std::string out =
      "# Configuration of s3link. Every setting can also be given as an environment variable S3LINK_<SECTION>_<KEY>,\n"
      "# for example S3LINK_EMAIL_RECIPIENT. Order: flag, environment, this file, default. Durations are whole "
      "numbers\n"
      "# with s, m, h or d; sizes whole bytes, or with KiB, MiB, GiB, TiB. Check it with `s3link config check`.\n";
  std::string_view section;
  for (const Key& key : keys()) {
    if (key.section != section) {
      section = key.section;
      fmt::format_to(std::back_inserter(out), "\n# {}\n[{}]\n", section_help(section), section);
    }
    out += '\n';
    append_comment(out, key.help);
    if (!key.default_text.empty()) {
      fmt::format_to(std::back_inserter(out), "# Default: {}.\n", key.default_text);
    } else {
      fmt::format_to(std::back_inserter(out), "# Default: {}.\n", key.derived.empty() ? "none" : key.derived);
    }
    if (!key.published_name.empty()) {
      fmt::format_to(std::back_inserter(out), "# Published as {}.\n", key.published_name);
    }
    const EffectiveValue* value = nullptr;
    for (const EffectiveValue& candidate : values) {
      if (candidate.key == &key && candidate.given && !key.secret) value = &candidate;
    }
    if (value) {
      fmt::format_to(std::back_inserter(out), "{} = {}\n", key.name, toml_value(key, value->texts));
    } else {
      const std::string_view text = key.default_text.empty() ? key.example : key.default_text;
      fmt::format_to(std::back_inserter(out), "#{} = {}\n", key.name, toml_value(key, {std::string(text)}));
    }
  }
  return out;
}

std::string render_effective(std::span<const EffectiveValue> values) {
  std::string out;
  std::string_view section;
  for (const EffectiveValue& value : values) {
    const Key& key = *value.key;
    if (key.section != section) {
      fmt::format_to(std::back_inserter(out), "{}[{}]\n", section.empty() ? "" : "\n", key.section);
      section = key.section;
    }
    std::string line;
    if (value.secret_given) {
      line = fmt::format("{} = {}", key.name, toml_string(kMask));
    } else if (value.texts.empty()) {
      line = fmt::format("#{} is not set{}{}", key.name, key.derived.empty() ? "" : ": ", key.derived);
    } else {
      line = fmt::format("{} = {}", key.name, toml_value(key, value.texts));
    }
    fmt::format_to(std::back_inserter(out), "{:<60} # {}\n", line, value.source);
  }
  return out;
}

std::string render_effective_json(std::span<const EffectiveValue> values) {
  boost::json::array settings;
  for (const EffectiveValue& value : values) {
    boost::json::value shown = nullptr;
    if (value.secret_given) {
      shown = kMask;
    } else if (value.key->type == ValueType::list) {
      shown = boost::json::array(value.texts.begin(), value.texts.end());
    } else if (!value.texts.empty()) {
      shown = value.texts[0];
    }
    settings.push_back({{"key", value.key->dotted()}, {"value", std::move(shown)}, {"source", value.source}});
  }
  return boost::json::serialize(boost::json::object{{"settings", std::move(settings)}});
}

}  // namespace s3link::config
