#include "core/s3/list_page.hpp"

#include <gtest/gtest.h>

#include "core/base/encoding.hpp"

namespace s3link::s3 {
namespace {

TEST(Continuation, RoundTripsEveryKey) {
  for (const std::string& text :
       {std::string("a"), std::string(1024, 'k'), std::string("漢/😀"), std::string("a\0b", 3)}) {
    EXPECT_EQ(*decode_continuation(encode_continuation(text)), text);
  }
}

TEST(Continuation, RefusesOthers) {
  for (const std::string& token : {std::string(), std::string("!"), std::string("MQ=="), base64_encode("2abc"),
                                   base64_encode("1\xff"), encode_continuation(std::string(2000, 'k'))}) {
    EXPECT_EQ(decode_continuation(token).error().code, "InvalidArgument") << token;
  }
}

TEST(ListPageRequest, EncodesOnDemand) {
  const auto plain = ListPageRequest::parse({}, "max-keys");
  EXPECT_EQ(plain->encoded("a b+/%"), "a b+/%");
  EXPECT_EQ(plain->max_entries, 1000U);
  const auto url = ListPageRequest::parse({{"encoding-type", "url"}, {"max-keys", "7"}}, "max-keys");
  EXPECT_EQ(url->encoded("a b+/%\n"), "a%20b%2B/%25%0A");
  EXPECT_EQ(url->max_entries, 7U);
}

}  // namespace
}  // namespace s3link::s3
