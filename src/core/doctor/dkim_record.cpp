#include "core/doctor/dkim_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/base/encoding.hpp"
#include "core/doctor/tag_list.hpp"

namespace s3link::doctor {
namespace {

constexpr std::array<std::string_view, 12> kCommon = {"default", "dkim", "mail", "google", "selector1", "selector2",
                                                      "s1",      "s2",   "k1",   "smtp",   "mta",       "key1"};

/// White space may stand anywhere in a base64 value.
std::string without_space(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return out;
}

Result<DkimRecord> read(const TagList& tags) {
  if (const auto version = tag_value(tags, "v"); tags.contains("v") && version != "DKIM1") {
    return fail(ErrorKind::invalid_argument, fmt::format("the DKIM key has v=\"{}\" instead of DKIM1", version));
  }
  if (!tags.contains("p")) return fail(ErrorKind::invalid_argument, "the DKIM record holds no key (p=)");
  const std::string key = without_space(tag_value(tags, "p"));
  if (key.empty()) return fail(ErrorKind::invalid_argument, "the DKIM key is revoked (p= is empty)");
  if (!base64_decode(key)) return fail(ErrorKind::invalid_argument, "the DKIM key (p=) is not base64");
  DkimRecord record;
  record.key_type = tags.contains("k") ? std::string(tag_value(tags, "k")) : "rsa";
  if (record.key_type != "rsa" && record.key_type != "ed25519") {
    return fail(ErrorKind::invalid_argument,
                fmt::format("the DKIM key has k=\"{}\" instead of rsa or ed25519", record.key_type));
  }
  record.testing = fmt::format(":{}:", without_space(tag_value(tags, "t"))).contains(":y:");
  return record;
}

}  // namespace

Result<DkimRecord> find_dkim(std::span<const std::string> texts) {
  if (texts.empty()) return fail(ErrorKind::not_found, "there is no DKIM key");
  if (texts.size() > 1) return fail(ErrorKind::invalid_argument, "there is more than one record instead of one key");
  const auto tags = parse_tag_list(texts[0]);
  if (!tags) return fail(ErrorKind::invalid_argument, "the DKIM record: " + tags.error().message);
  return read(*tags);
}

bool is_dkim_selector(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  return !text.empty() && text.size() <= 100 && text.front() != '.' && text.back() != '.' && !text.contains("..") &&
         std::ranges::all_of(text, allowed);
}

std::span<const std::string_view> common_dkim_selectors() { return kCommon; }

}  // namespace s3link::doctor
