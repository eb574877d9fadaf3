#include "core/page/link_trouble.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "core/base/encoding.hpp"
#include "core/sigv4/authorization.hpp"
#include "core/sigv4/canonical_request.hpp"
#include "core/sigv4/presign.hpp"

namespace s3link::page {
namespace {

constexpr std::size_t kSignatureDigits = 64;

bool contains_ignoring_case(std::string_view text, std::string_view lower) {
  return !std::ranges::search(text, lower, {}, [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
          }).empty();
}

/// Whether every part that a presigned URL needs is there under its name, and none was cut off at its end.
bool is_complete(const sigv4::QueryAuthorization& query) {
  const std::array<std::string_view, 5> needed = {query.algorithm, query.credential, query.date, query.expires,
                                                  query.signed_headers};
  return std::ranges::none_of(needed, [](std::string_view value) { return value.empty(); }) &&
         query.signature.size() >= kSignatureDigits;
}

bool is_over(const sigv4::QueryAuthorization& query, Instant now) {
  const auto signed_at = parse_amz_date(query.date);
  const auto expires = sigv4::ExpiresIn::parse(query.expires);
  return signed_at && expires && now >= *signed_at + expires->value();
}

}  // namespace

bool may_be_link(std::string_view target, bool host_is_bucket) {
  if (contains_ignoring_case(target, "x-amz-")) return true;
  std::string_view path = target.substr(0, target.find('?'));
  if (!path.starts_with('/')) return false;
  path.remove_prefix(1);
  if (host_is_bucket) return !path.empty();
  const auto slash = path.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < path.size();
}

LinkTrouble trouble_of(std::string_view target, const s3::ErrorAnswer& answer, Instant now) {
  if (answer.status >= 500) return LinkTrouble::unavailable;
  if (answer.status == 404) return LinkTrouble::removed;
  if (answer.code == s3::to_string(s3::ErrorCode::invalid_access_key_id)) return LinkTrouble::key_gone;
  const auto parsed = sigv4::parse_target(target);
  if (!parsed) {  // a broken escape: changed, or cut off in the middle of one
    return contains_ignoring_case(target, "x-amz-signature=") ? LinkTrouble::changed : LinkTrouble::incomplete;
  }
  const auto query = sigv4::find_query_authorization(parsed->query);
  if (!query) return LinkTrouble::changed;
  if (!is_complete(*query)) {
    // Behind "amp;", or in the path, the parts are there, but not as they were signed.
    const bool garbled = contains_ignoring_case(target, "amp;x-amz-") || contains_ignoring_case(parsed->path, "x-amz-");
    return garbled ? LinkTrouble::changed : LinkTrouble::incomplete;
  }
  return is_over(*query, now) ? LinkTrouble::expired : LinkTrouble::changed;
}

}  // namespace s3link::page
