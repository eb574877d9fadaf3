#include "core/event/notification_rule.hpp"

#include <gtest/gtest.h>

namespace s3link::event {
namespace {

struct RuleCase {
  std::string name, event_name, key;
  std::uint64_t size_bytes;
  std::string want;  // empty: to be mailed
};
const std::vector<RuleCase> kRuleCases = {
    {"put", "ObjectCreated:Put", "a.pdf", 3, ""},
    {"multipart", "ObjectCreated:CompleteMultipartUpload", "a.pdf", 3, ""},
    {"empty_file", "ObjectCreated:Put", "a.pdf", 0, ""},
    {"folder", "ObjectCreated:Put", "reports/", 0, "folder_marker"},
    {"slash_alone", "ObjectCreated:Put", "/", 0, "folder_marker"},
    {"slash_at_the_end_with_bytes", "ObjectCreated:Put", "reports/", 1, ""},
    {"removed", "ObjectRemoved:Delete", "a.pdf", 3, "not_created"},
    {"removed_folder", "ObjectRemoved:Delete", "a/", 0, "not_created"},
    {"another", "ObjectTagging:Put", "a.pdf", 3, "not_created"},
};
class DropRuleTest : public testing::TestWithParam<RuleCase> {};
TEST_P(DropRuleTest, NamesTheRule) {
  EventRecord record;
  record.event_name = GetParam().event_name;
  record.key = GetParam().key;
  record.size_bytes = GetParam().size_bytes;
  const auto rule = drop_rule(record);
  EXPECT_EQ(rule ? rule->name : "", GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, DropRuleTest, testing::ValuesIn(kRuleCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::event
