#include "core/base/digest.hpp"

#include <gtest/gtest.h>

namespace s3link {
namespace {

TEST(Digest, KnownAnswers) {
  EXPECT_EQ(hex_encode(sha256("")), kEmptySha256);
  EXPECT_EQ(hex_encode(md5("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");  // RFC 1321 A.5
  Digest sha1(DigestAlgorithm::sha1);
  sha1.update("ab");
  sha1.update("c");
  EXPECT_EQ(hex_encode(sha1.finish()), "a9993e364706816aba3e25717850c26c9cd0d89d");  // FIPS 180, "abc"
}

TEST(Hmac, Rfc4231Case2) {
  EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace s3link
