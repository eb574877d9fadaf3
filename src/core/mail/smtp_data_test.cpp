#include "core/mail/smtp_data.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace s3link::mail {
namespace {

struct DataCase {
  std::string name, message, want;
};
const std::vector<DataCase> kDataCases = {
    {"plain", "Subject: s\r\n\r\nbody\r\n", "Subject: s\r\n\r\nbody\r\n.\r\n"},
    {"empty", "", ".\r\n"},
    {"no_line_end", "body", "body\r\n.\r\n"},
    {"dots", ".\r\n..\r\n.x\r\nx.\r\n", "..\r\n...\r\n..x\r\nx.\r\n.\r\n"},
    {"first_byte", ".x", "..x\r\n.\r\n"},
    {"lone_line_feed", "a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n"},
    {"lone_carriage_return", "a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"},
    {"smuggling", "a\n.\r\nMAIL FROM:<x>\r\n", "a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"},
    {"empty_lines", "\r\n\r\n", "\r\n\r\n.\r\n"},
};
class SmtpDataTest : public testing::TestWithParam<DataCase> {};
TEST_P(SmtpDataTest, EndsWhereTheMessageEnds) { EXPECT_EQ(smtp_data(GetParam().message).reveal(), GetParam().want); }
INSTANTIATE_TEST_SUITE_P(Table, SmtpDataTest, testing::ValuesIn(kDataCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::mail
