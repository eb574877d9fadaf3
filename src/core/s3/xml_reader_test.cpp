#include "core/s3/xml_reader.hpp"

#include <gtest/gtest.h>

namespace s3link::s3 {
namespace {

struct DeleteCase {
  std::string name, xml;
  std::vector<std::string> keys;  // empty: refused
};
const std::vector<DeleteCase> kDeleteCases = {
    {"one", "<Delete><Object><Key>a</Key></Object></Delete>", {"a"}},
    {"namespace_declaration_and_white_space",
     "<?xml version=\"1.0\"?>\n<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n <Object>\n  <Key>a b "
     "</Key>\n"
     " </Object>\n <Quiet>true</Quiet>\n</Delete>\n",
     {"a b "}},
    {"blank_key", "<Delete><Object><Key> </Key></Object></Delete>", {" "}},
    {"references",
     "<Delete><Object><Key>&lt;&amp;&#x6f22;&#33;&quot;&apos;&gt;</Key></Object></Delete>",
     {"<&漢!\"'>"}},
    {"control_reference",
     "<Delete><Object><Key>a&#x1;b&#xd;&#10;</Key></Object></Delete>",
     {"a\x01"
      "b\r\n"}},
    {"cdata", "<Delete><Object><Key><![CDATA[a&b<c]]>d</Key></Object></Delete>", {"a&b<cd"}},
    {"comment_inside_key", "<Delete><Object><Key>a<!-- x -->b</Key></Object></Delete>", {"ab"}},
    {"dots_are_no_path",
     "<Delete><Object><Key>../other/x</Key></Object><Object><Key>%2e%2e</Key></Object></Delete>",
     {"../other/x", "%2e%2e"}},
    {"byte_order_mark", "\xEF\xBB\xBF<Delete><Object><Key>a</Key></Object></Delete>", {"a"}},
    {"empty", "", {}},
    {"no_object", "<Delete></Delete>", {}},
    {"empty_key", "<Delete><Object><Key></Key></Object></Delete>", {}},
    {"two_keys_in_one_object", "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>", {}},
    {"other_root", "<Remove><Object><Key>a</Key></Object></Remove>", {}},
    {"two_roots", "<Delete><Object><Key>a</Key></Object></Delete><Delete/>", {}},
    {"not_closed", "<Delete><Object><Key>a</Key></Object>", {}},
    {"unknown_element", "<Delete><Object><Key>a</Key></Object><Loud/></Delete>", {}},
    {"element_inside_key", "<Delete><Object><Key>a<b/></Key></Object></Delete>", {}},
    {"doctype", "<!DOCTYPE x [<!ENTITY e \"a\">]><Delete><Object><Key>a</Key></Object></Delete>", {}},
    {"entity", "<Delete><Object><Key>&e;</Key></Object></Delete>", {}},
    {"nul_reference", "<Delete><Object><Key>a&#0;b</Key></Object></Delete>", {}},
    {"nul_reference_by_overflow", "<Delete><Object><Key>a&#x100000000;b</Key></Object></Delete>", {}},
    {"surrogate_reference", "<Delete><Object><Key>a&#xd800;b</Key></Object></Delete>", {}},
    {"bare_ampersand", "<Delete><Object><Key>a&b</Key></Object></Delete>", {}},
    {"nul_byte", std::string("<Delete><Object><Key>a\0b</Key></Object></Delete>", 46), {}},
    {"not_utf8", "<Delete><Object><Key>\xff</Key></Object></Delete>", {}},
    {"utf16", std::string("<\0D\0/\0>\0", 8), {}},
};
class ParseDeleteTest : public testing::TestWithParam<DeleteCase> {};
TEST_P(ParseDeleteTest, ReadsOrRefuses) {
  const auto got = parse_delete(GetParam().xml);
  ASSERT_EQ(got.has_value(), !GetParam().keys.empty());
  if (!got) {
    EXPECT_EQ(got.error().code, "MalformedXML");
    return;
  }
  std::vector<std::string> keys;
  for (const auto& entry : got->entries) keys.push_back(entry.key);
  EXPECT_EQ(keys, GetParam().keys);
}
INSTANTIATE_TEST_SUITE_P(Table, ParseDeleteTest, testing::ValuesIn(kDeleteCases),
                         [](const auto& row) { return row.param.name; });

std::string delete_of(std::size_t count) {
  std::string xml = "<Delete>";
  for (std::size_t i = 0; i < count; ++i) xml += "<Object><Key>k</Key></Object>";
  return xml + "</Delete>";
}

TEST(ParseDelete, Bounds) {
  EXPECT_EQ(parse_delete(delete_of(1000))->entries.size(), 1000U);
  EXPECT_EQ(parse_delete(delete_of(1001)).error().code, "MalformedXML");
  EXPECT_EQ(parse_delete(std::string(kMaxXmlBytes + 1, ' ')).error().code, "MaxMessageLengthExceeded");
  std::string deep;
  for (int i = 0; i < 400'000; ++i) deep += "<a>";
  EXPECT_EQ(parse_delete(deep).error().code, "MalformedXML");
}

TEST(ParseDelete, QuietVersionAndConditions) {
  const auto got = parse_delete(
      "<Delete><Quiet>TRUE</Quiet><Object><Key>a</Key><VersionId>null</VersionId></Object>"
      "<Object><Key>b</Key><ETag>x</ETag></Object></Delete>");
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->quiet);
  EXPECT_EQ(got->entries[0].version_id, "null");
  EXPECT_FALSE(got->entries[0].conditional);
  EXPECT_TRUE(got->entries[1].conditional);
}

TEST(ParseComplete, ReadsParts) {
  const auto got = parse_complete(
      "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><ETag>\"aa\"</ETag>"
      "<PartNumber>1</PartNumber><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part><Part><PartNumber> 10000 </PartNumber>"
      "<ETag>&quot;bb&quot;</ETag></Part></CompleteMultipartUpload>");
  ASSERT_TRUE(got);
  ASSERT_EQ(got->size(), 2U);
  EXPECT_EQ((*got)[0].number, 1U);
  EXPECT_EQ((*got)[0].etag, "aa");
  EXPECT_EQ((*got)[0].checksums, (std::vector<ObjectChecksum>{{"CRC32", "AAAAAA==", false}}));
  EXPECT_EQ((*got)[1].number, 10000U);
  EXPECT_EQ((*got)[1].etag, "bb");
}

struct CompleteCase {
  std::string name, parts, code;
};
const std::vector<CompleteCase> kCompleteCases = {
    {"none", "", "MalformedXML"},
    {"no_etag", "<Part><PartNumber>1</PartNumber></Part>", "MalformedXML"},
    {"no_number", "<Part><ETag>a</ETag></Part>", "MalformedXML"},
    {"number_zero", "<Part><PartNumber>0</PartNumber><ETag>a</ETag></Part>", "InvalidArgument"},
    {"number_over", "<Part><PartNumber>10001</PartNumber><ETag>a</ETag></Part>", "InvalidArgument"},
    {"number_negative", "<Part><PartNumber>-1</PartNumber><ETag>a</ETag></Part>", "MalformedXML"},
    {"number_wraps", "<Part><PartNumber>4294967297</PartNumber><ETag>a</ETag></Part>", "MalformedXML"},
    {"same_twice",
     "<Part><PartNumber>1</PartNumber><ETag>a</ETag></Part><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>",
     "InvalidPartOrder"},
    {"descending",
     "<Part><PartNumber>2</PartNumber><ETag>a</ETag></Part><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>",
     "InvalidPartOrder"},
    {"unknown_checksum", "<Part><PartNumber>1</PartNumber><ETag>a</ETag><ChecksumX>a</ChecksumX></Part>",
     "MalformedXML"},
};
class ParseCompleteTest : public testing::TestWithParam<CompleteCase> {};
TEST_P(ParseCompleteTest, Refuses) {
  const auto got = parse_complete("<CompleteMultipartUpload>" + GetParam().parts + "</CompleteMultipartUpload>");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, GetParam().code);
}
INSTANTIATE_TEST_SUITE_P(Table, ParseCompleteTest, testing::ValuesIn(kCompleteCases),
                         [](const auto& row) { return row.param.name; });

TEST(ParseCreateBucket, ReadsTheConstraint) {
  EXPECT_EQ(*parse_create_bucket(""), "");
  EXPECT_EQ(*parse_create_bucket("<CreateBucketConfiguration/>"), "");
  EXPECT_EQ(*parse_create_bucket("<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
                                 "</CreateBucketConfiguration>"),
            "eu-west-1");
  EXPECT_EQ(parse_create_bucket("<CreateBucketConfiguration><Bucket/></CreateBucketConfiguration>").error().code,
            "NotImplemented");
  EXPECT_EQ(parse_create_bucket("nonsense").error().code, "MalformedXML");
}

}  // namespace
}  // namespace s3link::s3
