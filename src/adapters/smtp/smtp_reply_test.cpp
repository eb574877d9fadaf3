#include "adapters/smtp/smtp_reply.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace s3link::smtp {
namespace {

struct ReplyCase {
  std::string name;
  std::vector<std::string> lines;
  unsigned code;  // 0: no complete reply
  std::string text;
};
const std::vector<ReplyCase> kReplyCases = {
    {"one_line", {"250 2.0.0 Ok: queued as 4F2A\r\n"}, 250, "250 2.0.0 Ok: queued as 4F2A"},
    {"several_lines", {"550-5.7.1 no\r\n", "550-such\r\n", "550 user\r\n"}, 550, "550 5.7.1 no such user"},
    {"the_last_counts", {"250 ok\r\n", "354 go on\r\n"}, 354, "354 go on"},
    {"goodbye_says_nothing", {"550 no\r\n", "221-2.0.0\r\n", "221 bye\r\n"}, 550, "550 no"},
    {"incomplete", {"250-first\r\n"}, 0, ""},
    {"complete_before_incomplete", {"220 hello\r\n", "250-first\r\n"}, 220, "220 hello"},
    {"code_alone", {"421\r\n"}, 421, "421"},
    {"code_alone_among_lines", {"421-bye\r\n", "421\r\n"}, 421, "421 bye "},
    {"line_feed_only", {"250 ok\n"}, 250, "250 ok"},
    {"garbage", {"SSH-2.0-OpenSSH\r\n", "", "\r\n", "25\r\n", "999 x\r\n", "2500 x\r\n", "25x y\r\n"}, 0, ""},
    {"control_characters", {"250 a\x1b[31m\tb\xff\r\n"}, 250, "250 a?[31m?b?"},
    {"too_long", {"250 " + std::string(10'000, 'x') + "\r\n"}, 250, "250 " + std::string(496, 'x')},
    {"too_many",
     {"250-" + std::string(400, 'x') + "\r\n", "250-" + std::string(400, 'y') + "\r\n", "250 z\r\n"},
     250,
     "250 " + std::string(400, 'x') + " " + std::string(95, 'y')},
    {"the_enhanced_code_once",
     {"550-5.7.1 no\r\n", "550-5.7.1 such\r\n", "550 5.7.2 user\r\n"},
     550,
     "550 5.7.1 no such 5.7.2 user"},
    {"a_link", {"550 URL blocked: http://h/b/k?X-Amz-Signature=00ff00ff\r\n"}, 550, "550 URL blocked: (removed)"},
    {"a_link_over_two_lines",
     {"550-5.7.1 bad http://h/b/k?X-Amz-Signa\r\n", "550 5.7.1 ture=00ff00ff\r\n"},
     550,
     "550 5.7.1 bad (removed)"},
};
class ReplyReaderTest : public testing::TestWithParam<ReplyCase> {};
TEST_P(ReplyReaderTest, KeepsTheLastCompleteReply) {
  ReplyReader reader;
  for (const auto& line : GetParam().lines) reader.read_line(line);
  ASSERT_EQ(reader.last().has_value(), GetParam().code != 0);
  if (!reader.last()) return;
  EXPECT_EQ(reader.last()->code, GetParam().code);
  EXPECT_EQ(reader.last()->text, GetParam().text);
  reader.clear();
  EXPECT_FALSE(reader.last());
}
INSTANTIATE_TEST_SUITE_P(Table, ReplyReaderTest, testing::ValuesIn(kReplyCases),
                         [](const auto& row) { return row.param.name; });

TEST(Reply, KnowsWhatRepeatingCanMend) {
  EXPECT_TRUE((Reply{421, ""}.transient()));
  EXPECT_TRUE((Reply{550, ""}.permanent()));
  EXPECT_FALSE((Reply{354, ""}.transient() || Reply{354, ""}.permanent()));
}

}  // namespace
}  // namespace s3link::smtp
