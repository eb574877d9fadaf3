#include "core/doctor/spf_record.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace s3link::doctor {
namespace {

struct Case {
  std::string name;
  std::vector<std::string> texts;
  SpfDefault otherwise;
  std::size_t lookups;
};
// The first three are the examples of RFC 7208, appendix A.
const std::vector<Case> kCases = {
    {"pass_all", {"v=spf1 +all"}, SpfDefault::pass, 0},
    {"a_mx", {"v=spf1 a mx -all"}, SpfDefault::fail, 2},
    {"redirect", {"v=spf1 redirect=_spf.example.com"}, SpfDefault::redirect, 1},
    {"unqualified_all", {"v=spf1 all"}, SpfDefault::pass, 0},
    {"nothing_said", {"v=spf1"}, SpfDefault::neutral, 0},
    {"soft", {"V=SPF1  ip4:192.0.2.0/24 ~ALL"}, SpfDefault::soft_fail, 0},
    {"prefix_length", {"v=spf1 a/24 ~mx:example.org//64 ?all"}, SpfDefault::neutral, 2},
    {"all_before_redirect", {"v=spf1 -all redirect=x.example include:y.example"}, SpfDefault::fail, 0},
    {"others_beside_it", {"site=abc", "v=spf10 nothing", "v=spf1 -all"}, SpfDefault::fail, 0},
    {"unknown_modifier", {"v=spf1 moo=1 include:a.example -all"}, SpfDefault::fail, 1},
};
class FindSpfTest : public testing::TestWithParam<Case> {};
TEST_P(FindSpfTest, Reads) {
  const auto got = find_spf(GetParam().texts);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->otherwise, GetParam().otherwise);
  EXPECT_EQ(got->lookups, GetParam().lookups);
}
INSTANTIATE_TEST_SUITE_P(Table, FindSpfTest, testing::ValuesIn(kCases), [](const auto& row) { return row.param.name; });

TEST(FindSpf, SaysWhatIsWrong) {
  EXPECT_EQ(find_spf({}).error().kind, ErrorKind::not_found);
  const std::vector<std::string> none = {"v=spf2.0/mfrom -all", "hello"};
  EXPECT_EQ(find_spf(none).error().kind, ErrorKind::not_found);
  const std::vector<std::string> two = {"v=spf1 -all", "v=spf1 ~all"};
  EXPECT_EQ(find_spf(two).error().kind, ErrorKind::invalid_argument);
  const std::vector<std::string> wrong = {"v=spf1 ipv4:192.0.2.1 -all"};
  EXPECT_EQ(find_spf(wrong).error().message, "\"ipv4:192.0.2.1\" in the SPF record is no mechanism");
}

}  // namespace
}  // namespace s3link::doctor
