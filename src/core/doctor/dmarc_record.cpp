#include "core/doctor/dmarc_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/base/encoding.hpp"
#include "core/doctor/tag_list.hpp"

namespace s3link::doctor {
namespace {

constexpr std::array<std::string_view, 3> kPolicies = {"none", "quarantine", "reject"};

/// "v=DMARC1" with a capital D to C, before the first ';'.
bool is_dmarc(std::string_view text) {
  const std::string_view first = text.substr(0, text.find(';'));
  const auto equals = first.find('=');
  return equals != std::string_view::npos && trim(first.substr(0, equals)) == "v" &&
         trim(first.substr(equals + 1)) == "DMARC1";
}

}  // namespace

Result<DmarcRecord> find_dmarc(std::span<const std::string> texts) {
  const auto found = std::ranges::find_if(texts, is_dmarc);
  if (found == texts.end()) return fail(ErrorKind::not_found, "there is no DMARC record");
  if (std::ranges::count_if(texts, is_dmarc) > 1) {
    return fail(ErrorKind::not_found, "there is more than one DMARC record, which counts as none");
  }
  const auto tags = parse_tag_list(*found);
  if (!tags) return fail(ErrorKind::invalid_argument, "the DMARC record: " + tags.error().message);
  std::string policy(tag_value(*tags, "p"));
  std::ranges::transform(policy, policy.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (std::ranges::find(kPolicies, policy) == kPolicies.end()) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("the DMARC record has p=\"{}\" instead of none, quarantine or reject", policy));
  }
  return DmarcRecord{std::move(policy), !tag_value(*tags, "rua").empty()};
}

std::vector<std::string> dmarc_names(std::string_view domain) {
  std::vector<std::string> names;
  while (true) {
    names.push_back(fmt::format("_dmarc.{}", domain));
    const auto dot = domain.find('.');
    if (dot == std::string_view::npos || !domain.substr(dot + 1).contains('.')) return names;
    domain.remove_prefix(dot + 1);
  }
}

}  // namespace s3link::doctor
