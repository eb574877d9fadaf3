#include "core/sigv4/presign.hpp"

#include <charconv>
#include <utility>
#include <vector>

#include "core/base/encoding.hpp"
#include "core/sigv4/string_to_sign.hpp"

namespace s3link::sigv4 {
namespace {

using namespace std::chrono_literals;

/// A base URL as clients understand it: lower case, no slash at the end, no default port.
std::string normalized(std::string_view base_url) {
  std::string url = to_lower(base_url);
  while (url.ends_with('/')) url.pop_back();
  const std::string_view default_port = url.starts_with("https:") ? ":443" : ":80";
  if (url.ends_with(default_port)) url.resize(url.size() - default_port.size());
  return url;
}

}  // namespace

Result<ExpiresIn> ExpiresIn::parse(std::string_view text) {
  std::uint32_t count = 0;
  const char* const last = text.data() + text.size();
  const auto [end, ec] = std::from_chars(text.data(), last, count);
  if (ec == std::errc::result_out_of_range && end == last) return from(kMax + 1s);
  if (ec != std::errc{} || end != last) {
    return fail(ErrorKind::invalid_argument, "X-Amz-Expires should be a number", "AuthorizationQueryParametersError");
  }
  return from(std::chrono::seconds(count));
}

Result<ExpiresIn> ExpiresIn::from(std::chrono::seconds value) {
  if (value < 1s) {
    return fail(ErrorKind::invalid_argument, "X-Amz-Expires must be at least 1 second",
                "AuthorizationQueryParametersError");
  }
  if (value > kMax) {
    return fail(ErrorKind::invalid_argument,
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less "
                "than 604800 seconds",
                "AuthorizationQueryParametersError");
  }
  return ExpiresIn(value);
}

Secret presign(const PresignRequest& request, const Credentials& credentials, std::string_view region,
               ExpiresIn expires, Instant now) {
  SigningKeyCache keys(credentials.secret_access_key);
  return presign(request, credentials, keys, region, expires, now);
}

Secret presign(const PresignRequest& request, const Credentials& credentials, SigningKeyCache& keys,
               std::string_view region, ExpiresIn expires, Instant now) {
  static const SignedHeaders kHostOnly = {"host"};
  std::string url = normalized(request.base_url);
  const std::string host = url.substr(url.find("://") + 3);
  const OrderedFields fields = {{"host", host}};
  const std::string date = amz_date(now);
  const CredentialScope scope = {.date = date.substr(0, 8), .region = std::string(region), .service = "s3"};
  const std::string scope_text = scope.text();
  std::string credential;
  credential.reserve(credentials.access_key_id.size() + 1 + scope_text.size());
  credential.append(credentials.access_key_id).append("/").append(scope_text);
  const std::string seconds = std::to_string(expires.value().count());

  std::vector<FieldView> query;  // in the order they are signed, unless the request's own begin with capitals
  query.reserve(request.query.size() + 6);
  query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  query.emplace_back("X-Amz-Credential", credential);
  query.emplace_back("X-Amz-Date", date);
  query.emplace_back("X-Amz-Expires", seconds);
  const std::string_view token = credentials.session_token.reveal();
  if (!token.empty()) query.emplace_back("X-Amz-Security-Token", token);
  query.emplace_back("X-Amz-SignedHeaders", "host");
  query.insert(query.end(), request.query.begin(), request.query.end());

  const std::string path = canonical_path(request.path);
  const std::string encoded_query = canonical_query(query);
  const std::string canonical = canonical_request({.method = request.method,
                                                   .path = path,
                                                   .query = encoded_query,
                                                   .fields = fields,
                                                   .signed_headers = kHostOnly,
                                                   .payload_hash = kUnsignedPayload});
  static constexpr std::string_view kSignature = "&X-Amz-Signature=";
  url.reserve(url.size() + path.size() + encoded_query.size() + kSignature.size() + 1 + 64);
  url.append(path).append("?").append(encoded_query).append(kSignature);
  url.append(signature(keys.get(scope), string_to_sign(date, scope_text, canonical)));
  return Secret(std::move(url));
}

}  // namespace s3link::sigv4
