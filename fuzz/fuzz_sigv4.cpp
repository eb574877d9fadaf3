// The input is a request head: the request line, then one field a line. Verifying it as it stands must not crash; and
// what our signer makes of the same pieces, by header and as a presigned URL, must verify.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/sigv4/presign.hpp"
#include "core/sigv4/sign.hpp"
#include "core/sigv4/verify.hpp"

namespace {

using namespace s3link;

const Instant kNow = *parse_amz_date("20130524T000000Z");
const sigv4::Credentials kCredentials{
    "AKIAIOSFODNN7EXAMPLE", Secret(std::string("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")), {}};
sigv4::Verifier& verifier() {
  static sigv4::Verifier only(kCredentials, "us-east-1");
  return only;
}

std::string_view take(std::string_view& text, char until) {
  const auto end = text.find(until);
  const std::string_view out = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return out;
}

/// A field name no signer or verifier gives a meaning to.
std::string harmless_name(std::string_view fuzzed) {
  return (fuzzed.size() % 2 == 0 ? "x-amz-meta-" : "F-") + hex_encode(fuzzed.substr(0, 20));
}

void must_verify(std::string_view method, std::string_view target, const sigv4::Fields& fields) {
  if (!verifier().verify({method, target, fields}, kNow)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;  // encoded it is three times as long, and has to stay under the verifier's limit
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::string_view line = take(rest, '\n');
  const std::string method(take(line, ' '));
  const std::string target(line);
  sigv4::Fields fields;
  sigv4::Fields harmless;
  while (!rest.empty() && fields.size() < 100) {
    std::string_view field = take(rest, '\n');
    const std::string_view name = take(field, ':');
    fields.emplace_back(name, field);
    harmless.emplace_back(harmless_name(name), field);
  }

  if (const auto verified = verifier().verify({method, target, fields}, kNow); !verified) {
    if (verified.error().code.empty()) std::abort();
  }

  sigv4::OutgoingRequest request{method, "127.0.0.1:9000", "/" + uri_encode_path(target), harmless};
  if (const auto parsed = sigv4::parse_target(target)) request.target = target;
  if (const auto parsed = sigv4::parse_target(request.target)) {
    for (const auto& [name, value] : parsed->query) {
      if (name.starts_with("X-Amz-") || name == "AWSAccessKeyId") return 0;  // two signatures: refused, rightly
    }
  }
  sigv4::sign_request(request, kCredentials, "us-east-1", "s3", kEmptySha256, kNow);
  must_verify(request.method, request.target, request.fields);

  const Secret url =
      sigv4::presign({.method = method, .base_url = "http://127.0.0.1:9000", .path = "/" + target, .query = harmless},
                     kCredentials, "us-east-1", *sigv4::ExpiresIn::parse("60"), kNow);
  must_verify(method, url.reveal().substr(std::string_view("http://127.0.0.1:9000").size()),
              {{"Host", "127.0.0.1:9000"}});
  return 0;
}
