#include "core/sigv4/presign.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/sigv4/string_to_sign.hpp"

namespace s3link::sigv4 {
namespace {

using namespace std::chrono_literals;

struct Base {
  std::string url;   ///< "https://host[:port]"
  std::string host;  ///< as clients write it into the Host field
};

Base normalized(std::string_view base_url) {
  const auto scheme_end = base_url.find("://");
  const std::string scheme = to_lower(base_url.substr(0, scheme_end));
  std::string host = to_lower(scheme_end == std::string_view::npos ? base_url : base_url.substr(scheme_end + 3));
  while (host.ends_with('/')) host.pop_back();
  const std::string_view default_port = scheme == "https" ? ":443" : ":80";
  if (host.ends_with(default_port)) host.resize(host.size() - default_port.size());
  return {scheme + "://" + host, host};
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
  const Base base = normalized(request.base_url);
  const CredentialScope scope = scope_of(now, region, "s3");
  Fields query = request.query;
  query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  query.emplace_back("X-Amz-Credential", credentials.access_key_id + "/" + scope.text());
  query.emplace_back("X-Amz-Date", amz_date(now));
  query.emplace_back("X-Amz-Expires", std::to_string(expires.value().count()));
  query.emplace_back("X-Amz-SignedHeaders", "host");
  if (!credentials.session_token.empty()) {
    query.emplace_back("X-Amz-Security-Token", credentials.session_token.reveal());
  }

  const std::string path = canonical_path(request.path);
  const std::string encoded_query = canonical_query(query);
  const Fields fields = {{"host", base.host}};
  const SignedHeaders names = {"host"};
  const std::string canonical = canonical_request({.method = request.method,
                                                   .path = path,
                                                   .query = encoded_query,
                                                   .fields = fields,
                                                   .signed_headers = names,
                                                   .payload_hash = kUnsignedPayload});
  const SigningKey key = keys.get(scope);
  return Secret(fmt::format("{}{}?{}&X-Amz-Signature={}", base.url, path, encoded_query,
                            signature(key, string_to_sign(now, scope, canonical))));
}

}  // namespace s3link::sigv4
