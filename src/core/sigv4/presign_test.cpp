#include "core/sigv4/presign.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s3link::sigv4 {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

struct ExpiresCase {
  std::string name, text;
  std::optional<std::chrono::seconds> want;  // empty: refused
};
const std::vector<ExpiresCase> kExpiresCases = {
    {"shortest", "1", 1s},      {"longest", "604800", 604800s},
    {"zero", "0", {}},          {"too_long", "604801", {}},
    {"unit_suffix", "60s", {}}, {"wraps_32_bits", "4294967297", {}},
    {"negative", "-1", {}},     {"plus", "+1", {}},
    {"empty", "", {}},          {"blank", " 1", {}},
    {"fraction", "1.5", {}},    {"leading_zeros", "0060", 60s},
};
class ExpiresInTest : public testing::TestWithParam<ExpiresCase> {};
TEST_P(ExpiresInTest, ParsesOrRefuses) {
  const auto got = ExpiresIn::parse(GetParam().text);
  EXPECT_EQ(got ? std::optional(got->value()) : std::nullopt, GetParam().want);
  if (!got) EXPECT_EQ(got.error().code, "AuthorizationQueryParametersError");
}
INSTANTIATE_TEST_SUITE_P(Table, ExpiresInTest, testing::ValuesIn(kExpiresCases),
                         [](const auto& row) { return row.param.name; });

TEST(ExpiresInTest, FromDuration) {
  EXPECT_EQ(ExpiresIn::from(5h)->value(), 18000s);
  EXPECT_FALSE(ExpiresIn::from(0s));
  EXPECT_FALSE(ExpiresIn::from(ExpiresIn::kMax + 1s));
}

Credentials example_credentials(std::string token = {}) {
  return {"AKIAIOSFODNN7EXAMPLE", Secret(std::string("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")),
          Secret(std::move(token))};
}
const Instant kMay24 = *parse_amz_date("20130524T000000Z");

std::string url_of(const PresignRequest& request, const Credentials& credentials = example_credentials()) {
  return std::string(presign(request, credentials, "us-east-1", *ExpiresIn::from(24h), kMay24).reveal());
}

// Source: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters", An Example.
TEST(Presign, PublishedExample) {
  EXPECT_EQ(url_of({.base_url = "https://examplebucket.s3.amazonaws.com", .path = "/test.txt", .query = {}}),
            "https://examplebucket.s3.amazonaws.com/test.txt"
            "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(Presign, EncodesPathAndQueryOnce) {
  const std::string url = url_of({.base_url = "http://127.0.0.1:9000",
                                  .path = "/b/a b+\xE6\xBC\xA2/../c",
                                  .query = {{"response-content-disposition", "attachment; filename=\"a\""}}});
  EXPECT_THAT(url, StartsWith("http://127.0.0.1:9000/b/a%20b%2B%E6%BC%A2/../c?X-Amz-Algorithm="));
  EXPECT_THAT(url, HasSubstr("&response-content-disposition=attachment%3B%20filename%3D%22a%22&X-Amz-Signature="));
}

TEST(Presign, WritesTheHostAsClientsSendIt) {
  const PresignRequest plain{.base_url = "https://files.example.org", .path = "/b/k", .query = {}};
  for (const char* same :
       {"https://files.example.org:443", "HTTPS://Files.Example.ORG/", "https://files.example.org/"}) {
    EXPECT_EQ(url_of({.base_url = same, .path = "/b/k", .query = {}}), url_of(plain)) << same;
  }
  EXPECT_THAT(url_of({.base_url = "http://h:80", .path = "/", .query = {}}), StartsWith("http://h/?"));
  EXPECT_THAT(url_of({.base_url = "http://h:443", .path = "/", .query = {}}), StartsWith("http://h:443/?"));
  EXPECT_THAT(url_of({.base_url = "https://[::1]:9443", .path = "/", .query = {}}), StartsWith("https://[::1]:9443/?"));
}

TEST(Presign, CarriesTheSessionToken) {
  EXPECT_THAT(url_of({.base_url = "https://h", .path = "/", .query = {}}, example_credentials("a+b/=")),
              HasSubstr("&X-Amz-Security-Token=a%2Bb%2F%3D&X-Amz-SignedHeaders=host&X-Amz-Signature="));
}

}  // namespace
}  // namespace s3link::sigv4
