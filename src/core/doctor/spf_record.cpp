#include "core/doctor/spf_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "core/base/encoding.hpp"

namespace s3link::doctor {
namespace {

constexpr std::string_view kVersion = "v=spf1";
constexpr std::array<std::string_view, 8> kMechanisms = {"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"};
constexpr std::array<std::string_view, 5> kLookUp = {"include", "a", "mx", "ptr", "exists"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_spf(std::string_view text) {
  const std::string begin = lower(text.substr(0, kVersion.size()));
  return begin == kVersion && (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

SpfDefault default_of(char qualifier) {
  switch (qualifier) {
    case '-':
      return SpfDefault::fail;
    case '~':
      return SpfDefault::soft_fail;
    case '?':
      return SpfDefault::neutral;
    default:
      return SpfDefault::pass;
  }
}

/// One term after the version. `all` ends the list: what comes after it counts for nothing.
struct Terms {
  SpfRecord record;
  bool ended = false;
  bool redirected = false;

  Status add(std::string_view term) {
    const auto mark = term.find_first_of(":/=");
    if (mark != std::string_view::npos && term[mark] == '=') {
      redirected = redirected || lower(term.substr(0, mark)) == "redirect";
      return {};  // modifiers that are not known are passed over, RFC 7208 §6
    }
    const bool qualified = std::string_view("+-~?").contains(term[0]);
    const std::string name = lower(term.substr(0, mark).substr(qualified ? 1 : 0));
    if (std::ranges::find(kMechanisms, name) == kMechanisms.end()) {
      return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" in the SPF record is no mechanism", term));
    }
    if (ended) return {};
    if (std::ranges::find(kLookUp, name) != kLookUp.end()) ++record.lookups;
    if (name == "all") {
      ended = true;
      record.otherwise = default_of(term[0]);
    }
    return {};
  }
};

}  // namespace

Result<SpfRecord> find_spf(std::span<const std::string> texts) {
  const std::string* found = nullptr;
  for (const std::string& text : texts) {
    if (!is_spf(text)) continue;
    if (found != nullptr) return fail(ErrorKind::invalid_argument, "there is more than one SPF record");
    found = &text;
  }
  if (found == nullptr) return fail(ErrorKind::not_found, "there is no SPF record");
  Terms terms;
  terms.record.text = *found;
  std::string_view rest = std::string_view(*found).substr(kVersion.size());
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    const std::string_view term = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (term.empty()) continue;
    if (const Status added = terms.add(term); !added) return std::unexpected(added.error());
  }
  if (terms.redirected && !terms.ended) {
    terms.record.otherwise = SpfDefault::redirect;
    ++terms.record.lookups;
  }
  return std::move(terms.record);
}

}  // namespace s3link::doctor
