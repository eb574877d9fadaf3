#include "core/sigv4/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <ostream>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/sigv4/presign.hpp"
#include "core/sigv4/sign.hpp"

namespace s3link::sigv4 {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Instant kNow = *parse_amz_date("20130524T120000Z");

Credentials make_credentials(std::string token = {}) {
  return {"AKIAIOSFODNN7EXAMPLE", Secret(std::string("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")),
          Secret(std::move(token))};
}

/// One request to one server: built and signed as each row of the table says, then verified.
struct Attempt {
  OutgoingRequest request{
      "PUT", "127.0.0.1:9000", "/bucket/a%20b?x-id=PutObject", {{"x-amz-meta-a", "1"}, {"Content-Type", "text/plain"}}};
  Credentials client = make_credentials();
  Credentials server = make_credentials();
  std::string region = "us-east-1";
  std::string service = "s3";
  std::string payload = std::string(kEmptySha256);
  Instant signed_at = kNow;
  std::string other_host = {};

  void sign() { sign_request(request, client, region, service, payload, signed_at); }

  void presign(std::chrono::seconds expires = 1h, Fields query = {}) {
    const Secret url = sigv4::presign({.method = request.method,
                                       .base_url = "http://127.0.0.1:9000",
                                       .path = "/bucket/a b",
                                       .query = std::move(query)},
                                      client, region, *ExpiresIn::from(expires), signed_at);
    request.target = url.reveal().substr(std::string_view("http://127.0.0.1:9000").size());
    request.fields = {{"Host", "127.0.0.1:9000"}};
  }

  /// With exactly these names in SignedHeaders, as clients do that leave out what proxies may touch.
  void sign_only(SignedHeaders names) {
    set("Host", request.host);
    set("x-amz-date", amz_date(signed_at));
    set("x-amz-content-sha256", payload);
    const auto target = parse_target(request.target);
    const std::string canonical = canonical_request({.method = request.method,
                                                     .path = canonical_path(target->path),
                                                     .query = canonical_query(target->query),
                                                     .fields = in_signed_order(request.fields),
                                                     .signed_headers = names,
                                                     .payload_hash = payload});
    const CredentialScope scope = scope_of(signed_at, region, service);
    SigningKeyCache keys(client.secret_access_key);
    SigningKey key = keys.get(scope);
    set("Authorization", "AWS4-HMAC-SHA256 Credential=" + client.access_key_id + "/" + scope.text() +
                             ",SignedHeaders=" + join(names) +
                             ",Signature=" + signature(key, string_to_sign(signed_at, scope, canonical)));
  }

  void add(std::string name, std::string value) { request.fields.emplace_back(std::move(name), std::move(value)); }
  void drop(std::string_view name) {
    std::erase_if(request.fields, [&](const auto& field) { return equals_ignoring_case(field.first, name); });
  }
  void set(std::string name, std::string value) {
    drop(name);
    add(std::move(name), std::move(value));
  }
  std::string& authorization() {
    return std::ranges::find(request.fields, "Authorization", &Fields::value_type::first)->second;
  }
  void replace(std::string& text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  }
  void in_header(std::string_view from, std::string_view to) { replace(authorization(), from, to); }
  void in_target(std::string_view from, std::string_view to) { replace(request.target, from, to); }

  Result<Verified> verify() const {
    Verifier verifier(server, "us-east-1");
    return verifier.verify({request.method, request.target, request.fields, other_host}, kNow);
  }
};

struct Case {
  std::string name;
  std::function<void(Attempt&)> arrange;
  std::string code;     // empty: verified
  std::string message;  // a part of it
  friend void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }
};

const std::string kMechanism = "Please use AWS4-HMAC-SHA256";
const std::string kUnsignedHeader = "There were headers present in the request which were not signed";

/// An Authorization that costs more than it is worth.
std::string many_signed_headers(std::size_t count) {
  std::string names;
  for (std::size_t i = 0; i < count; ++i) names += (i == 0 ? "n" : ";n") + std::to_string(10'000 + i);
  return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + names +
         ",Signature=0";
}

const std::vector<Case> kHeaderCases = {
    {"signed", [](Attempt& a) { a.sign(); }, "", ""},
    {"no_signature", [](Attempt&) {}, "AccessDenied", ""},
    {"wrong_secret",
     [](Attempt& a) {
       a.client.secret_access_key = Secret(std::string("another"));
       a.sign();
     },
     "SignatureDoesNotMatch", "Check your key and signing method"},
    {"unknown_key",
     [](Attempt& a) {
       a.client.access_key_id = "AKIAANOTHER";
       a.sign();
     },
     "InvalidAccessKeyId", ""},
    {"short_signature", [](Attempt& a) { a.sign(), a.authorization().pop_back(); }, "SignatureDoesNotMatch", ""},
    {"upper_case_signature",
     [](Attempt& a) {
       a.sign();
       std::string& text = a.authorization();
       const auto at = text.find("Signature=") + 10;
       std::transform(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(),
                      text.begin() + static_cast<std::ptrdiff_t>(at),
                      [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
     },
     "SignatureDoesNotMatch", ""},

    {"other_method", [](Attempt& a) { a.sign(), a.request.method = "DELETE"; }, "SignatureDoesNotMatch", ""},
    {"other_path", [](Attempt& a) { a.sign(), a.in_target("a%20b", "a%20c"); }, "SignatureDoesNotMatch", ""},
    {"other_query", [](Attempt& a) { a.sign(), a.request.target += "&acl"; }, "SignatureDoesNotMatch", ""},
    {"empty_signature_parameter_is_a_change", [](Attempt& a) { a.sign(), a.request.target += "&X-Amz-Signature="; },
     "SignatureDoesNotMatch", ""},
    {"other_signed_value", [](Attempt& a) { a.sign(), a.set("x-amz-meta-a", "2"); }, "SignatureDoesNotMatch", ""},
    {"signed_header_gone", [](Attempt& a) { a.sign(), a.drop("content-type"); }, "SignatureDoesNotMatch",
     "Check your key and signing method"},
    {"value_added_to_signed_header", [](Attempt& a) { a.sign(), a.add("x-amz-meta-a", "2"); }, "SignatureDoesNotMatch",
     ""},
    {"blanks_do_not_count", [](Attempt& a) { a.sign(), a.set("x-amz-meta-a", "  1 "); }, "", ""},
    {"equal_path_written_otherwise", [](Attempt& a) { a.sign(), a.in_target("a%20b", "%61%20b"); }, "", ""},
    {"query_in_another_order", [](Attempt& a) { a.request.target = "/?b&a", a.sign(), a.request.target = "/?a=&b="; },
     "", ""},
    {"space_as_plus_in_query",
     [](Attempt& a) { a.request.target = "/?p=a%20b", a.sign(), a.request.target = "/?p=a+b"; }, "", ""},
    {"dots_and_slashes_are_kept",
     [](Attempt& a) { a.request.target = "/b/../c//d", a.sign(), a.request.target = "/c/d"; }, "SignatureDoesNotMatch",
     ""},
    {"dots_and_slashes", [](Attempt& a) { a.request.target = "/b/../c//d", a.sign(); }, "", ""},
    {"broken_escape", [](Attempt& a) { a.sign(), a.request.target = "/bucket/%zz"; }, "InvalidURI", ""},

    {"unsigned_amz_header", [](Attempt& a) { a.sign(), a.add("X-Amz-Copy-Source", "/b/k"); }, "AccessDenied",
     kUnsignedHeader},
    {"signed_amz_header", [](Attempt& a) { a.add("X-Amz-Copy-Source", "/b/k"), a.sign(); }, "", ""},
    {"unsigned_other_header", [](Attempt& a) { a.sign(), a.add("User-Agent", "curl"); }, "", ""},
    {"unsigned_content_type", [](Attempt& a) { a.drop("Content-Type"), a.sign(), a.add("Content-Type", "a/b"); }, "",
     ""},
    {"host_not_signed", [](Attempt& a) { a.sign(), a.in_header(";host;", ";"); }, "AccessDenied", kUnsignedHeader},
    {"host_missing", [](Attempt& a) { a.sign(), a.drop("host"); }, "SignatureDoesNotMatch", ""},
    {"another_name_of_this_server_was_signed",
     [](Attempt& a) {
       a.request.host = "files.example.org", a.sign();
       a.set("Host", "127.0.0.1:9000"), a.other_host = "files.example.org";
     },
     "", ""},
    {"own_host_beside_another_name", [](Attempt& a) { a.sign(), a.other_host = "files.example.org"; }, "", ""},
    {"neither_name_was_signed",
     [](Attempt& a) {
       a.request.host = "elsewhere", a.sign();
       a.set("Host", "127.0.0.1:9000"), a.other_host = "files.example.org";
     },
     "SignatureDoesNotMatch", "Check your key"},
    {"another_name_needs_the_right_secret",
     [](Attempt& a) {
       a.client.secret_access_key = Secret(std::string("another"));
       a.request.host = "files.example.org", a.sign();
       a.set("Host", "127.0.0.1:9000"), a.other_host = "files.example.org";
     },
     "SignatureDoesNotMatch", ""},
    {"another_name_and_no_host",
     [](Attempt& a) {
       a.request.host = "files.example.org", a.sign();
       a.drop("Host"), a.other_host = "files.example.org";
     },
     "SignatureDoesNotMatch", ""},
    {"host_twice", [](Attempt& a) { a.sign(), a.add("Host", "127.0.0.1:9000"); }, "InvalidArgument", "host"},
    {"other_host", [](Attempt& a) { a.sign(), a.set("Host", "elsewhere"); }, "SignatureDoesNotMatch", ""},

    {"unsigned_fields_that_change_nothing",
     [](Attempt& a) {
       a.sign();
       for (const char* name : {"X-Amz-Cf-Id", "x-amz-cf-pop", "x-amzn-trace-id", "X-Forwarded-For", "Via",
                                "x-amz-request-id", "x-amz-id-2", "X-Amz-User-Agent"}) {
         a.add(name, "1");
       }
     },
     "", ""},
    {"fields_that_the_signature_holds_anyway", [](Attempt& a) { a.drop("x-amz-meta-a"), a.sign_only({"host"}); }, "",
     ""},
    {"unsigned_date_changed",
     [](Attempt& a) { a.drop("x-amz-meta-a"), a.sign_only({"host"}), a.set("x-amz-date", "20130524T120001Z"); },
     "SignatureDoesNotMatch", ""},
    {"unsigned_payload_hash_changed",
     [](Attempt& a) {
       a.drop("x-amz-meta-a"), a.sign_only({"host"}), a.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
     },
     "SignatureDoesNotMatch", ""},
    {"unsigned_metadata", [](Attempt& a) { a.sign_only({"host"}); }, "AccessDenied", kUnsignedHeader},

    {"oldest_in_skew", [](Attempt& a) { a.signed_at = kNow - 15min, a.sign(); }, "", ""},
    {"too_old", [](Attempt& a) { a.signed_at = kNow - 15min - 1s, a.sign(); }, "RequestTimeTooSkewed", ""},
    {"newest_in_skew", [](Attempt& a) { a.signed_at = kNow + 15min, a.sign(); }, "", ""},
    {"too_new", [](Attempt& a) { a.signed_at = kNow + 15min + 1s, a.sign(); }, "RequestTimeTooSkewed", ""},
    {"no_date", [](Attempt& a) { a.sign(), a.drop("x-amz-date"); }, "AccessDenied", "valid Date or x-amz-date"},
    {"bad_date", [](Attempt& a) { a.sign(), a.set("x-amz-date", "2013-05-24"); }, "AccessDenied", "valid Date"},
    {"date_of_another_moment", [](Attempt& a) { a.sign(), a.set("x-amz-date", "20130524T120001Z"); },
     "SignatureDoesNotMatch", ""},
    {"date_twice", [](Attempt& a) { a.sign(), a.add("X-AMZ-DATE", "20130524T120000Z"); }, "InvalidArgument",
     "x-amz-date"},

    {"other_region", [](Attempt& a) { a.region = "eu-west-1", a.sign(); }, "AuthorizationHeaderMalformed",
     "the region 'eu-west-1' is wrong; expecting 'us-east-1'"},
    {"other_service", [](Attempt& a) { a.sign(), a.in_header("/s3/", "/ec2/"); }, "AuthorizationHeaderMalformed",
     "incorrect service \"ec2\". This endpoint belongs to \"s3\"."},
    {"other_terminal", [](Attempt& a) { a.sign(), a.in_header("aws4_request", "aws_request"); },
     "AuthorizationHeaderMalformed", "incorrect terminal \"aws_request\""},
    {"scope_of_another_day", [](Attempt& a) { a.sign(), a.in_header("20130524", "20130523"); },
     "AuthorizationHeaderMalformed", "Invalid credential date \"20130523\""},
    {"scope_date_is_no_day", [](Attempt& a) { a.sign(), a.in_header("20130524", "2013-5-4"); },
     "AuthorizationHeaderMalformed", "must be in the format \"yyyyMMdd\""},
    {"scope_too_short", [](Attempt& a) { a.sign(), a.in_header("/us-east-1/s3/", "/"); },
     "AuthorizationHeaderMalformed", "the Credential is mal-formed"},
    {"no_key_id", [](Attempt& a) { a.sign(), a.in_header("AKIAIOSFODNN7EXAMPLE", ""); }, "AuthorizationHeaderMalformed",
     "access key id"},

    {"blanks_after_commas", [](Attempt& a) { a.sign(), a.in_header(",SignedHeaders", ", SignedHeaders"); }, "", ""},
    {"no_credential", [](Attempt& a) { a.set("Authorization", "AWS4-HMAC-SHA256 SignedHeaders=host,Signature=0"); },
     "AuthorizationHeaderMalformed", "missing Credential"},
    {"no_signed_headers", [](Attempt& a) { a.set("Authorization", "AWS4-HMAC-SHA256 Credential=a,Signature=0"); },
     "AuthorizationHeaderMalformed", "missing SignedHeaders"},
    {"no_signature_component",
     [](Attempt& a) { a.set("Authorization", "AWS4-HMAC-SHA256 Credential=a,SignedHeaders=host"); },
     "AuthorizationHeaderMalformed", "missing Signature"},
    {"nothing_after_algorithm", [](Attempt& a) { a.set("Authorization", "AWS4-HMAC-SHA256"); },
     "AuthorizationHeaderMalformed", "missing Credential"},
    {"component_twice", [](Attempt& a) { a.sign(), a.authorization() += ",SignedHeaders=host"; },
     "AuthorizationHeaderMalformed", "three components"},
    {"unknown_component", [](Attempt& a) { a.sign(), a.authorization() += ",Foo=1"; }, "AuthorizationHeaderMalformed",
     "three components"},
    {"signed_header_twice", [](Attempt& a) { a.sign(), a.in_header(";host;", ";host;host;"); },
     "AuthorizationHeaderMalformed", "twice"},
    {"signed_headers_out_of_order", [](Attempt& a) { a.sign_only({"x-amz-date", "host", "x-amz-meta-a"}); },
     "AuthorizationHeaderMalformed", "sorted by character code"},
    {"signed_header_not_sent", [](Attempt& a) { a.sign_only({"accept-encoding", "host", "x-amz-meta-a"}); },
     "SignatureDoesNotMatch", "The header accept-encoding was signed and is not there"},
    {"empty_fields_that_curl_signs_and_does_not_send",
     [](Attempt& a) {
       a.drop("Content-Type"), a.sign_only({"accept", "content-type", "expect", "host", "x-amz-meta-a"});
     },
     "", ""},
    {"more_signed_headers_than_fields_may_be",
     [](Attempt& a) { a.set("Authorization", many_signed_headers(kMaxSignedHeaders + 1)); },
     "AuthorizationHeaderMalformed", "too many names"},
    {"as_many_signed_headers_as_fields_may_be",
     [](Attempt& a) { a.sign(), a.set("Authorization", many_signed_headers(kMaxSignedHeaders)); }, "AccessDenied",
     kUnsignedHeader},
    {"signed_header_in_upper_case", [](Attempt& a) { a.sign(), a.in_header(";host;", ";Host;"); },
     "AuthorizationHeaderMalformed", "lower case"},
    {"empty_signed_header", [](Attempt& a) { a.sign(), a.in_header(";host;", ";;host;"); },
     "AuthorizationHeaderMalformed", "lower case"},
    {"authorization_twice", [](Attempt& a) { a.sign(), a.add("authorization", a.authorization()); }, "InvalidArgument",
     "authorization"},
    {"version_2", [](Attempt& a) { a.set("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:c2ln"); }, "InvalidRequest",
     kMechanism},
    {"asymmetric", [](Attempt& a) { a.sign(), a.in_header("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"); },
     "InvalidRequest", kMechanism},
    {"basic", [](Attempt& a) { a.set("Authorization", "Basic dTpw"); }, "InvalidArgument", "Unsupported"},
    {"empty_authorization", [](Attempt& a) { a.set("Authorization", ""); }, "InvalidArgument", "Unsupported"},

    {"no_content_sha256", [](Attempt& a) { a.sign(), a.drop("x-amz-content-sha256"); }, "InvalidRequest",
     "Missing required header for this request: x-amz-content-sha256"},
    {"unknown_content_sha256", [](Attempt& a) { a.payload = "STREAMING-FOO", a.sign(); }, "InvalidArgument",
     "x-amz-content-sha256 must be"},
    {"short_content_sha256", [](Attempt& a) { a.payload.pop_back(), a.sign(); }, "InvalidArgument",
     "x-amz-content-sha256 must be"},
    {"other_content_sha256", [](Attempt& a) { a.sign(), a.set("x-amz-content-sha256", std::string(64, '0')); },
     "SignatureDoesNotMatch", ""},
    {"content_sha256_made_unsigned", [](Attempt& a) { a.sign(), a.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD"); },
     "SignatureDoesNotMatch", ""},
    {"content_sha256_twice", [](Attempt& a) { a.sign(), a.add("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"); },
     "InvalidArgument", "x-amz-content-sha256"},

    {"token_with_permanent_key", [](Attempt& a) { a.client = make_credentials("token"), a.sign(); }, "InvalidToken",
     ""},
    {"token", [](Attempt& a) { a.client = make_credentials("t"), a.server = make_credentials("t"), a.sign(); }, "", ""},
    {"token_missing", [](Attempt& a) { a.server = make_credentials("t"), a.sign(); }, "InvalidToken", ""},
    {"other_token", [](Attempt& a) { a.client = make_credentials("u"), a.server = make_credentials("t"), a.sign(); },
     "InvalidToken", ""},

    {"header_and_query",
     [](Attempt& a) {
       a.presign();
       a.sign();
     },
     "InvalidArgument", "Only one auth mechanism allowed"},
    {"header_and_version_2_query", [](Attempt& a) { a.request.target += "&AWSAccessKeyId=a&Signature=b", a.sign(); },
     "InvalidArgument", "Only one auth mechanism allowed"},
    {"too_many_fields",
     [](Attempt& a) {
       a.sign();
       for (std::size_t i = 0; i <= Verifier::kMaxFields; ++i) a.add("f", "");
     },
     "InvalidRequest", "header section"},
    {"too_many_parameters",
     [](Attempt& a) {
       for (std::size_t i = 0; i < Verifier::kMaxParameters; ++i) a.request.target += "&p";
       a.sign();
     },
     "InvalidRequest", "query parameters"},
    {"too_many_bytes", [](Attempt& a) { a.sign(), a.add("f", std::string(Verifier::kMaxHeadBytes, 'x')); },
     "InvalidRequest", "header section"},
};

const std::vector<Case> kQueryCases = {
    {"presigned", [](Attempt& a) { a.presign(); }, "", ""},
    {"another_client_header", [](Attempt& a) { a.presign(), a.add("Content-Type", "a/b"); }, "", ""},
    {"other_path", [](Attempt& a) { a.presign(), a.in_target("/bucket/", "/bucket2/"); }, "SignatureDoesNotMatch", ""},
    {"other_method", [](Attempt& a) { a.presign(), a.request.method = "GET"; }, "SignatureDoesNotMatch", ""},
    {"other_host", [](Attempt& a) { a.presign(), a.set("Host", "elsewhere"); }, "SignatureDoesNotMatch", ""},
    {"parameter_added", [](Attempt& a) { a.presign(), a.request.target += "&acl"; }, "SignatureDoesNotMatch", ""},
    {"parameter_signed", [](Attempt& a) { a.presign(1h, {{"acl", ""}}); }, "", ""},
    {"longer_life", [](Attempt& a) { a.presign(), a.in_target("Expires=3600", "Expires=3601"); },
     "SignatureDoesNotMatch", ""},
    {"unsigned_amz_header", [](Attempt& a) { a.presign(), a.add("x-amz-copy-source", "/b/k"); }, "AccessDenied",
     kUnsignedHeader},
    {"unsigned_amz_header_in_odd_case", [](Attempt& a) { a.presign(), a.add("X-AMZ-Acl", "public-read"); },
     "AccessDenied", kUnsignedHeader},
    {"signed_header_claimed_later",
     [](Attempt& a) {
       a.presign();
       a.add("x-amz-acl", "public-read");
       a.in_target("SignedHeaders=host", "SignedHeaders=host%3Bx-amz-acl");
     },
     "SignatureDoesNotMatch", ""},
    {"host_not_signed", [](Attempt& a) { a.presign(), a.in_target("SignedHeaders=host", "SignedHeaders=accept"); },
     "AccessDenied", kUnsignedHeader},

    {"last_moment_but_one", [](Attempt& a) { a.signed_at = kNow - 3599s, a.presign(); }, "", ""},
    {"expired", [](Attempt& a) { a.signed_at = kNow - 3600s, a.presign(); }, "AccessDenied", "Request has expired"},
    {"ahead_in_skew", [](Attempt& a) { a.signed_at = kNow + 15min, a.presign(); }, "", ""},
    {"not_valid_yet", [](Attempt& a) { a.signed_at = kNow + 15min + 1s, a.presign(); }, "AccessDenied",
     "Request is not valid yet"},
    {"a_week_old", [](Attempt& a) { a.signed_at = kNow - ExpiresIn::kMax + 1s, a.presign(ExpiresIn::kMax); }, "", ""},
    {"over_a_week", [](Attempt& a) { a.presign(), a.in_target("Expires=3600", "Expires=604801"); },
     "AuthorizationQueryParametersError", "less than a week"},
    {"expires_zero", [](Attempt& a) { a.presign(), a.in_target("Expires=3600", "Expires=0"); },
     "AuthorizationQueryParametersError", "at least 1"},
    {"expires_negative", [](Attempt& a) { a.presign(), a.in_target("Expires=3600", "Expires=-60"); },
     "AuthorizationQueryParametersError", "should be a number"},
    {"bad_date", [](Attempt& a) { a.presign(), a.in_target("Date=20130524T120000Z", "Date=20130524"); },
     "AuthorizationQueryParametersError", "X-Amz-Date must be"},

    {"other_region", [](Attempt& a) { a.region = "eu-west-1", a.presign(); }, "AuthorizationQueryParametersError",
     "Error parsing the X-Amz-Credential parameter; the region 'eu-west-1' is wrong; expecting 'us-east-1'"},
    {"other_service", [](Attempt& a) { a.presign(), a.in_target("%2Fs3%2F", "%2Fec2%2F"); },
     "AuthorizationQueryParametersError", "incorrect service \"ec2\""},
    {"other_terminal", [](Attempt& a) { a.presign(), a.in_target("aws4_request", "aws5_request"); },
     "AuthorizationQueryParametersError", "incorrect terminal"},
    {"scope_of_another_day", [](Attempt& a) { a.presign(), a.in_target("20130524%2F", "20130523%2F"); },
     "AuthorizationQueryParametersError", "Invalid credential date"},
    {"malformed_credential", [](Attempt& a) { a.presign(), a.in_target("%2F", "-"); },
     "AuthorizationQueryParametersError", "the Credential is mal-formed"},
    {"unknown_key", [](Attempt& a) { a.client.access_key_id = "AKIAANOTHER", a.presign(); }, "InvalidAccessKeyId", ""},
    {"wrong_secret",
     [](Attempt& a) {
       a.client.secret_access_key = Secret(std::string("another"));
       a.presign();
     },
     "SignatureDoesNotMatch", ""},

    {"other_algorithm", [](Attempt& a) { a.presign(), a.in_target("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"); },
     "AuthorizationQueryParametersError", "X-Amz-Algorithm only supports"},
    {"no_algorithm", [](Attempt& a) { a.presign(), a.in_target("X-Amz-Algorithm", "X-Amz-Algo"); },
     "AuthorizationQueryParametersError", "requires the X-Amz-Algorithm"},
    {"no_expires", [](Attempt& a) { a.presign(), a.in_target("X-Amz-Expires", "X-Amz-Expiry"); },
     "AuthorizationQueryParametersError", "requires the X-Amz-Algorithm"},
    {"no_signature", [](Attempt& a) { a.presign(), a.in_target("X-Amz-Signature", "X-Amz-Sig"); },
     "AuthorizationQueryParametersError", "requires the X-Amz-Algorithm"},
    {"signature_twice", [](Attempt& a) { a.presign(), a.request.target += "&X-Amz-Signature=0"; },
     "AuthorizationQueryParametersError", "X-Amz-Signature is given twice"},
    {"expires_twice", [](Attempt& a) { a.presign(), a.request.target += "&X%2DAmz-Expires=604800"; },
     "AuthorizationQueryParametersError", "X-Amz-Expires is given twice"},
    {"version_2", [](Attempt& a) { a.request.target = "/b/k?AWSAccessKeyId=AKIA&Expires=1&Signature=c2ln"; },
     "InvalidRequest", kMechanism},

    {"unsigned_payload_in_query", [](Attempt& a) { a.presign(1h, {{"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"}}); }, "",
     ""},
    {"streaming_payload_in_query",
     [](Attempt& a) { a.presign(1h, {{"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}}); },
     "InvalidRequest", "presigned URL"},
    {"unsigned_content_sha256_header",
     [](Attempt& a) { a.presign(), a.add("x-amz-content-sha256", "UNSIGNED-PAYLOAD"); }, "", ""},
    {"unsigned_content_sha256_header_of_a_body",
     [](Attempt& a) { a.presign(), a.add("x-amz-content-sha256", std::string(kEmptySha256)); }, "", ""},
    {"unsigned_streaming_content_sha256_header",
     [](Attempt& a) { a.presign(), a.add("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"); },
     "InvalidRequest", "presigned URL"},
    {"unsigned_fields_that_change_nothing",
     [](Attempt& a) {
       a.presign();
       for (const char* name : {"X-Amz-Cf-Id", "x-amzn-trace-id", "X-Forwarded-Host", "Via", "x-amz-date"}) {
         a.add(name, "1");
       }
     },
     "", ""},
    {"unsigned_token", [](Attempt& a) { a.presign(), a.add("x-amz-security-token", "t"); }, "InvalidToken", ""},
    {"another_name_of_this_server_was_signed",
     [](Attempt& a) { a.presign(), a.set("Host", "backend"), a.other_host = "127.0.0.1:9000"; }, "", ""},
    {"neither_name_was_signed",
     [](Attempt& a) { a.presign(), a.set("Host", "backend"), a.other_host = "files.example.org"; },
     "SignatureDoesNotMatch", ""},
    {"signed_headers_out_of_order",
     [](Attempt& a) { a.presign(), a.in_target("SignedHeaders=host", "SignedHeaders=x-amz-date%3Bhost"); },
     "AuthorizationQueryParametersError", "sorted by character code"},
    {"too_many_parameters",
     [](Attempt& a) {
       a.presign();
       for (std::size_t i = 0; i < Verifier::kMaxParameters; ++i) a.request.target += "&p";
     },
     "InvalidRequest", "query parameters"},

    {"token_with_permanent_key", [](Attempt& a) { a.client = make_credentials("t"), a.presign(); }, "InvalidToken", ""},
    {"token", [](Attempt& a) { a.client = make_credentials("t"), a.server = make_credentials("t"), a.presign(); }, "",
     ""},
    {"token_missing", [](Attempt& a) { a.server = make_credentials("t"), a.presign(); }, "InvalidToken", ""},
    {"other_token", [](Attempt& a) { a.client = make_credentials("u"), a.server = make_credentials("t"), a.presign(); },
     "InvalidToken", ""},
};

class VerifyTest : public testing::TestWithParam<Case> {};
TEST_P(VerifyTest, AcceptsOrRefuses) {
  Attempt attempt;
  GetParam().arrange(attempt);
  const auto got = attempt.verify();
  if (GetParam().code.empty()) {
    ASSERT_TRUE(got) << got.error().code << ": " << got.error().message;
    EXPECT_EQ(got->access_key_id, "AKIAIOSFODNN7EXAMPLE");
    return;
  }
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, GetParam().code) << got.error().message;
  EXPECT_THAT(got.error().message, HasSubstr(GetParam().message));
  EXPECT_THAT(got.error().message, testing::Not(HasSubstr("Signature=")));
}
const auto kName = [](const auto& row) { return row.param.name; };
INSTANTIATE_TEST_SUITE_P(Header, VerifyTest, testing::ValuesIn(kHeaderCases), kName);
INSTANTIATE_TEST_SUITE_P(Query, VerifyTest, testing::ValuesIn(kQueryCases), kName);

TEST(Verify, SaysWhatTheBodyMustBe) {
  Attempt attempt;
  attempt.payload = hex_encode(sha256("body"));
  attempt.sign();
  const auto got = attempt.verify();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->payload, PayloadKind::signed_hash);
  EXPECT_EQ(got->payload_sha256, attempt.payload);
  EXPECT_FALSE(got->presigned);
  EXPECT_EQ(got->expires_at, std::nullopt);
}

struct PayloadCase {
  std::string text;
  PayloadKind want;
};
class VerifyPayload : public testing::TestWithParam<PayloadCase> {};
TEST_P(VerifyPayload, Kinds) {
  Attempt attempt;
  attempt.payload = GetParam().text;
  attempt.sign();
  const auto got = attempt.verify();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->payload, GetParam().want);
  EXPECT_EQ(got->payload_sha256, "");
}
INSTANTIATE_TEST_SUITE_P(
    Table, VerifyPayload,
    testing::Values(PayloadCase{"UNSIGNED-PAYLOAD", PayloadKind::unsigned_payload},
                    PayloadCase{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", PayloadKind::streaming_signed},
                    PayloadCase{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", PayloadKind::streaming_signed_trailer},
                    PayloadCase{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", PayloadKind::streaming_unsigned_trailer}));

TEST(Verify, AnUnsignedPayloadHashOnAPresignedUrlIsComparedWithTheBody) {
  Attempt attempt;
  attempt.presign();
  attempt.add("x-amz-content-sha256", std::string(kEmptySha256));
  const auto verified = attempt.verify();
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->payload, PayloadKind::signed_hash);
  EXPECT_EQ(verified->payload_sha256, kEmptySha256);
}

TEST(Verify, SaysWhenAPresignedUrlEnds) {
  Attempt attempt;
  attempt.signed_at = kNow - 10min;
  attempt.presign(1h);
  const auto got = attempt.verify();
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->presigned);
  EXPECT_EQ(got->payload, PayloadKind::unsigned_payload);
  EXPECT_EQ(got->expires_at, kNow + 50min);
}

/// A request as printed in the documentation, verified at its own moment.
Result<Verified> verify_example(std::string_view method, std::string_view target, Fields fields,
                                std::string_view signed_headers, std::string_view signature) {
  const Credentials credentials = make_credentials();
  Verifier verifier(credentials, "us-east-1");
  fields.emplace_back("Authorization",
                      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                      "SignedHeaders=" +
                          std::string(signed_headers) + ", Signature=" + std::string(signature));
  return verifier.verify({method, target, fields}, *parse_amz_date("20130524T000000Z"));
}

// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in
// Multiple Chunks", Example: PUT Object.
TEST(Verify, ChunkedUploadExample) {
  auto got = verify_example(
      "PUT", "/examplebucket/chunkObject.txt",
      {{"Host", "s3.amazonaws.com"},
       {"x-amz-date", "20130524T000000Z"},
       {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
       {"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
       {"Content-Encoding", "aws-chunked"},
       {"x-amz-decoded-content-length", "66560"},
       {"Content-Length", "66824"}},
      "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;"
      "x-amz-storage-class",
      "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->payload, PayloadKind::streaming_signed);
  EXPECT_EQ(got->chunks.sign_chunk(hex_encode(sha256(std::string(65536, 'a')))),
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
  EXPECT_EQ(got->chunks.sign_chunk(hex_encode(sha256(std::string(1024, 'a')))),
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
  EXPECT_EQ(got->chunks.sign_chunk(kEmptySha256), "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}

// botocore signs Date instead of x-amz-date where the caller gave one; S3 takes either.
TEST(Verify, DateStandsInForAmzDate) {
  const Credentials credentials = make_credentials();
  for (const char* date : {"Fri, 24 May 2013 12:00:00 GMT", "Fri, 24 May 2013 12:00:00 -0000", "20130524T120000Z"}) {
    Fields fields = {{"Host", "h"}, {"Date", date}, {"x-amz-content-sha256", std::string(kUnsignedPayload)}};
    const SignedHeaders names = {"date", "host", "x-amz-content-sha256"};
    const CredentialScope scope = scope_of(kNow, "us-east-1", "s3");
    const std::string canonical = canonical_request({.method = "GET",
                                                     .path = "/",
                                                     .query = "",
                                                     .fields = in_signed_order(fields),
                                                     .signed_headers = names,
                                                     .payload_hash = kUnsignedPayload});
    const std::string signed_with =
        signature(derive_signing_key(credentials.secret_access_key, scope), string_to_sign(kNow, scope, canonical));
    fields.emplace_back("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/" + scope.text() +
                                             ",SignedHeaders=" + join(names) + ",Signature=" + signed_with);
    Verifier verifier(credentials, "us-east-1");
    EXPECT_TRUE(verifier.verify({"GET", "/", fields}, kNow)) << date;
  }
}

}  // namespace
}  // namespace s3link::sigv4
