#include "core/sigv4/signing_key.hpp"

#include <gtest/gtest.h>

#include "core/base/encoding.hpp"

namespace s3link::sigv4 {
namespace {

// Source: AWS General Reference, "Examples of how to derive a signing key for Signature Version 4".
TEST(DeriveSigningKey, PublishedExample) {
  const Secret secret(std::string("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
  const SigningKey key = derive_signing_key(secret, {"20120215", "us-east-1", "iam"});
  EXPECT_EQ(hex_encode(key->reveal()), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
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
