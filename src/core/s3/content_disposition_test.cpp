#include "core/s3/content_disposition.hpp"

#include <gtest/gtest.h>

namespace s3link::s3 {
namespace {

TEST(FileName, IsTheLastPartOfTheKey) {
  EXPECT_EQ(file_name_of("report.pdf"), "report.pdf");
  EXPECT_EQ(file_name_of("a/b/c d.txt"), "c d.txt");
  EXPECT_EQ(file_name_of("folder/"), "download");
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
    {"line_break", "a\r\nb", R"(attachment; filename="a__b"; filename*=UTF-8''a%0D%0Ab)"},
};
class DispositionTest : public testing::TestWithParam<DispositionCase> {};
TEST_P(DispositionTest, KeepsTheName) { EXPECT_EQ(attachment_disposition(GetParam().file_name), GetParam().want); }
INSTANTIATE_TEST_SUITE_P(Table, DispositionTest, testing::ValuesIn(kDispositionCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::s3
