#include "core/s3/names.hpp"

#include <gtest/gtest.h>

namespace s3link::s3 {
namespace {

TEST(BucketName, NamingRules) {
  for (const std::string& good :
       {std::string("abc"), std::string("a-b.c1"), std::string("1ab"), std::string(63, 'a')}) {
    EXPECT_TRUE(BucketName::parse(good)) << good;
  }
  for (const std::string& bad : {std::string("ab"), std::string(64, 'a'), std::string("Abc"), std::string("_abc"),
                                 std::string("abc-"), std::string("a..b"), std::string("a.-b"), std::string("a-.b"),
                                 std::string("192.168.5.4"), std::string("a_b"), std::string("a/b"), std::string()}) {
    const auto got = BucketName::parse(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().code, "InvalidBucketName");
  }
}

TEST(ObjectKey, IsAnyUtf8OfUpTo1024Bytes) {
  for (const std::string& good :
       {std::string("a/../b"), std::string("/"), std::string("漢😀"), std::string(1024, 'k'), std::string("a\nb")}) {
    EXPECT_TRUE(ObjectKey::parse(good)) << good;
  }
  EXPECT_EQ(ObjectKey::parse(std::string(1025, 'k')).error().code, "KeyTooLongError");
  EXPECT_EQ(ObjectKey::parse("\xff").error().code, "InvalidURI");
  EXPECT_EQ(ObjectKey::parse("").error().code, "InvalidURI");
}

}  // namespace
}  // namespace s3link::s3
