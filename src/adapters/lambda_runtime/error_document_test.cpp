#include "adapters/lambda_runtime/error_document.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "core/base/encoding.hpp"

namespace s3link::lambda_runtime {
namespace {

TEST(ErrorDocument, HoldsTypeMessageAndAnEmptyStack) {
  EXPECT_EQ(error_document({"s3link.InvalidEvent", "no \"Records\"\n"}),
            R"({"errorType":"s3link.InvalidEvent","errorMessage":"no \"Records\"\n","stackTrace":[]})");
}

TEST(ErrorDocument, IsBoundedAndNotCutInsideACharacter) {
  const auto document = boost::json::parse(error_document({"T", "x" + std::string(5000, 'y')}));
  EXPECT_EQ(document.at("errorMessage").as_string().size(), kMaxErrorMessage);
  std::string umlauts = "x";
  for (int i = 0; i < 3000; ++i) umlauts += "ä";
  const auto cut = boost::json::parse(error_document({"T", umlauts}));
  EXPECT_EQ(cut.at("errorMessage").as_string().size(), kMaxErrorMessage - 1);
  EXPECT_TRUE(is_utf8(cut.at("errorMessage").as_string()));
}

TEST(ErrorDocument, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(boost::json::parse(error_document({"T", "a\xFFz"})).at("errorMessage").as_string(), "a?z");
}

TEST(ErrorTypeField, CannotEndTheHeader) {
  EXPECT_EQ(error_type_field("s3link.A-b_9"), "s3link.A-b_9");
  EXPECT_EQ(error_type_field("a\r\nb: c"), "a__b__c");
  EXPECT_EQ(error_type_field(std::string(1000, 'x')).size(), 256U);
}

}  // namespace
}  // namespace s3link::lambda_runtime
