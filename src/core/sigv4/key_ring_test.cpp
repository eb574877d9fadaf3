#include "core/sigv4/key_ring.hpp"

#include <gtest/gtest.h>

#include "core/base/digest.hpp"
#include "core/sigv4/sign.hpp"
#include "core/sigv4/verify.hpp"

namespace s3link::sigv4 {
namespace {
using namespace std::chrono_literals;

const Instant kNow = parse_amz_date("20261128T120000Z").value();

Credentials pair(const std::string& name) { return {name, Secret("secret-of-" + name), Secret()}; }

std::vector<OldCredentials> old_pair(const std::string& name, Instant until) {
  std::vector<OldCredentials> out;
  out.push_back({pair(name), until});
  return out;
}

/// The code of the refusal, or empty.
std::string outcome(Verifier& verifier, const std::string& name, Instant now) {
  OutgoingRequest request{.method = "GET", .host = "h.example", .target = "/bucket/key", .fields = {}};
  sign_request(request, pair(name), "us-east-1", "s3", kEmptySha256, now);
  const auto verified = verifier.verify({request.method, request.target, request.fields}, now);
  return verified ? "" : verified.error().code;
}

TEST(KeyRing, OldKeyIsGoodUntilItsEnd) {
  const KeyRing ring(pair("NEW"), old_pair("OLD", kNow + 1h));
  Verifier verifier(ring, "us-east-1");
  EXPECT_EQ(outcome(verifier, "NEW", kNow), "");
  EXPECT_EQ(outcome(verifier, "OLD", kNow), "");
  EXPECT_EQ(outcome(verifier, "OLD", kNow + 1h - 1s), "");
  EXPECT_EQ(outcome(verifier, "OLD", kNow + 1h), "InvalidAccessKeyId");
  EXPECT_EQ(outcome(verifier, "NEW", kNow + 1h), "");
  EXPECT_EQ(outcome(verifier, "OTHER", kNow), "InvalidAccessKeyId");
}

TEST(KeyRing, SecretsAreNotMixedUp) {
  const KeyRing ring(pair("NEW"), old_pair("OLD", kNow + 1h));
  Verifier verifier(ring, "us-east-1");
  OutgoingRequest request{.method = "GET", .host = "h.example", .target = "/bucket/key", .fields = {}};
  sign_request(request, {"NEW", Secret(std::string("secret-of-OLD")), Secret()}, "us-east-1", "s3", kEmptySha256, kNow);
  EXPECT_EQ(verifier.verify({request.method, request.target, request.fields}, kNow).error().code,
            "SignatureDoesNotMatch");
}

TEST(KeyRing, ReplacingHoldsFromTheNextRequestOn) {
  KeyRing ring(pair("FIRST"));
  Verifier verifier(ring, "us-east-1");
  EXPECT_EQ(outcome(verifier, "FIRST", kNow), "");
  const auto held = ring.current();
  ring.replace(pair("SECOND"), {});
  EXPECT_EQ(outcome(verifier, "FIRST", kNow), "InvalidAccessKeyId");
  EXPECT_EQ(outcome(verifier, "SECOND", kNow), "");
  EXPECT_EQ(held->credentials.access_key_id, "FIRST");
  EXPECT_EQ(ring.current()->credentials.access_key_id, "SECOND");
}

}  // namespace
}  // namespace s3link::sigv4
