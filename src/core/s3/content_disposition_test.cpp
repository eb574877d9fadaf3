#include "core/s3/content_disposition.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "core/base/encoding.hpp"

namespace s3link::s3 {
namespace {

TEST(FileName, IsTheLastPartOfTheKey) {
  EXPECT_EQ(file_name_of("report.pdf"), "report.pdf");
  EXPECT_EQ(file_name_of("a/b/c d.txt"), "c d.txt");
  EXPECT_EQ(file_name_of("folder/"), "folder");
  EXPECT_EQ(file_name_of("a/folder//"), "folder");
  EXPECT_EQ(file_name_of("/a"), "a");
  EXPECT_EQ(file_name_of("//"), "download");
}

struct DispositionCase {
  std::string name, file_name, want;
};
const std::vector<DispositionCase> kDispositionCases = {
    {"plain", "report.pdf", R"(attachment; filename="report.pdf"; filename*=UTF-8''report.pdf)"},
    {"space_and_plus", "a b+c.txt", R"(attachment; filename="a b+c.txt"; filename*=UTF-8''a%20b%2Bc.txt)"},
    {"quotes", R"(say "hi"\.txt)", R"(attachment; filename="say _hi__.txt"; filename*=UTF-8''say%20%22hi%22%5C.txt)"},
    {"percent", "50%20.txt", R"(attachment; filename="50_20.txt"; filename*=UTF-8''50%2520.txt)"},
    {"chinese", "报告.pdf", R"(attachment; filename="__.pdf"; filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf)"},
    {"line_break", "a\r\nb", R"(attachment; filename="a__b"; filename*=UTF-8''a__b)"},
    {"right_to_left_override", "report\u202Efdp.exe",
     R"(attachment; filename="report_fdp.exe"; filename*=UTF-8''report_fdp.exe)"},
    {"zero_width", "a\u200Bb\u2060\uFEFFc", R"(attachment; filename="a_b__c"; filename*=UTF-8''a_b__c)"},
    {"joiner_in_ascii", "a\u200Db\u200C.txt", R"(attachment; filename="a_b_.txt"; filename*=UTF-8''a_b_.txt)"},
    {"joined_emoji", "👩\u200D🚀", R"(attachment; filename="___"; filename*=UTF-8''%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80)"},
    {"isolates", "\u2066a\u2069", R"(attachment; filename="_a_"; filename*=UTF-8''_a_)"},
    {"c1_controls", "a\u0085b", R"(attachment; filename="a_b"; filename*=UTF-8''a_b)"},
    {"hebrew_itself_stays", "א.txt", R"(attachment; filename="_.txt"; filename*=UTF-8''%D7%90.txt)"},
};
class DispositionTest : public testing::TestWithParam<DispositionCase> {};
TEST_P(DispositionTest, KeepsTheName) { EXPECT_EQ(attachment_disposition(GetParam().file_name), GetParam().want); }
INSTANTIATE_TEST_SUITE_P(Table, DispositionTest, testing::ValuesIn(kDispositionCases),
                         [](const auto& row) { return row.param.name; });

struct CutCase {
  std::string name, file_name;
  std::size_t max_bytes;
  std::string want;
};
const std::vector<CutCase> kCutCases = {
    {"fits", "report.pdf", 10, "report.pdf"},
    {"extension_stays", "report.pdf", 9, "repor.pdf"},
    {"at_least_a_character", "report.pdf", 5, "r.pdf"},
    {"no_place", "report.pdf", 4, ""},
    {"no_extension", "report", 3, "rep"},
    {"between_characters", "报告书.pdf", 12, "报告.pdf"},
    {"no_place_for_a_character", "报告.pdf", 6, ""},
    {"only_the_last_extension", "a.tar.gz", 6, "a.t.gz"},
    {"long_extension_is_none", "a.aaaaaaaaaaaaaaaaaaaa", 5, "a.aaa"},
    {"dot_file", ".profile", 4, ".pro"},
    {"nothing", "a", 0, ""},
};
class CutTest : public testing::TestWithParam<CutCase> {};
TEST_P(CutTest, KeepsTheExtension) {
  EXPECT_EQ(cut_file_name(GetParam().file_name, GetParam().max_bytes), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, CutTest, testing::ValuesIn(kCutCases), [](const auto& row) { return row.param.name; });

TEST(AttachmentDisposition, FitsIntoWhatIsLeftOfAUrl) {
  std::string long_name;
  for (int i = 0; i < 65; ++i) long_name += "报";
  for (const std::string& name : {long_name + ".pdf", std::string(1000, 'a') + ".pdf", std::string("a\u202E.pdf")}) {
    const std::string whole = attachment_disposition(name);
    EXPECT_EQ(attachment_disposition(name, 100'000), whole);
    std::string last;
    for (std::size_t max = 0; max < 1500; max += 7) {
      const std::string got = attachment_disposition(name, max);
      if (max >= 20) EXPECT_LE(uri_encode(got).size(), max) << name;
      if (got == "attachment") continue;
      EXPECT_TRUE(got.ends_with(".pdf")) << got;
      EXPECT_GE(got.size(), last.size()) << "more place, less name";
      last = got;
    }
    EXPECT_FALSE(last.empty());
  }
}

}  // namespace
}  // namespace s3link::s3
