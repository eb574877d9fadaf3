#include "core/sigv4/signing_key.hpp"

#include <gtest/gtest.h>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sigv4 {
namespace {

// Source: AWS General Reference, "Examples of how to derive a signing key for Signature Version 4".
TEST(DeriveSigningKey, PublishedExample) {
  const Secret secret(std::string("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
  const SigningKey key = derive_signing_key(secret, {"20120215", "us-east-1", "iam"});
  EXPECT_EQ(hex_encode(key->reveal()), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
}

// Source: RFC 4231, sections 4.2 to 4.4.
TEST(HmacKey, PublishedExamples) {
  const auto hex = [](const std::string& key, std::string_view text) {
    const auto hmac = HmacKey(Secret(std::string(key))).hmac(text);
    return hex_encode({hmac.data(), hmac.size()});
  };
  EXPECT_EQ(hex(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(std::string(20, '\xaa'), std::string(50, '\xdd')),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
}

TEST(HmacKey, SignsAnyNumberOfTexts) {
  for (const std::size_t key_bytes : {0U, 1U, 32U, 64U}) {
    const std::string bytes(key_bytes, 'k');
    const HmacKey key{Secret(std::string(bytes))};
    for (const std::size_t text_bytes : {0U, 55U, 64U, 1000U}) {
      const std::string text(text_bytes, 't');
      const auto hmac = key.hmac(text);
      EXPECT_EQ(std::string_view(hmac.data(), hmac.size()), hmac_sha256(bytes, text)) << key_bytes << ' ' << text_bytes;
    }
  }
}

TEST(SigningKeyCache, DerivesOnceAScopeAndForgetsTheOneUsedLongestAgo) {
  const Secret secret(std::string("k"));
  SigningKeyCache cache(secret);
  const auto scope = [](std::size_t day) { return CredentialScope{std::to_string(20130500 + day), "us-east-1", "s3"}; };
  const SigningKey first = cache.get(scope(0));
  const SigningKey second = cache.get(scope(1));
  EXPECT_EQ(cache.get(scope(0)), first);
  for (std::size_t day = 2; day <= SigningKeyCache::kMaxKeys; ++day) cache.get(scope(day));
  EXPECT_EQ(cache.get(scope(0)), first);
  EXPECT_NE(cache.get(scope(1)), second);
  EXPECT_EQ(cache.get(scope(1))->reveal(), second->reveal());
}

TEST(SigningKeyCache, ScopesDoNotShareKeys) {
  const Secret secret(std::string("k"));
  SigningKeyCache cache(secret);
  const auto key = cache.get({"20130524", "us-east-1", "s3"});
  EXPECT_NE(cache.get({"20130525", "us-east-1", "s3"})->reveal(), key->reveal());
  EXPECT_NE(cache.get({"20130524", "eu-west-1", "s3"})->reveal(), key->reveal());
  EXPECT_NE(cache.get({"20130524", "us-east-1", "ses"})->reveal(), key->reveal());
}

}  // namespace
}  // namespace s3link::sigv4
