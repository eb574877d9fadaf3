#include "adapters/system/log_format.hpp"

#include <gtest/gtest.h>

namespace s3link::system {
namespace {

const Instant kWhen = from_unix_ms(1'369'353'600'000);

std::string text(const std::string& message, const std::vector<ports::LogField>& fields) {
  return format_text({kWhen, ports::LogLevel::info, message, fields}, false);
}

std::string json(const std::string& message, const std::vector<ports::LogField>& fields) {
  return format_json({kWhen, ports::LogLevel::warning, message, fields});
}

TEST(LogFormatText, FieldsFollowTheMessage) {
  EXPECT_EQ(text("listening", {{"host", "127.0.0.1"}, {"port", "9000"}}),
            "2013-05-24T00:00:00.000Z info    listening  host=127.0.0.1  port=9000");
}

TEST(LogFormatText, ValuesThatCouldMisleadAreQuoted) {
  EXPECT_EQ(text("m", {{"a", "two words"}, {"b", ""}, {"c", "x=y"}, {"d", "\""}}),
            "2013-05-24T00:00:00.000Z info    m  a=\"two words\"  b=\"\"  c=\"x=y\"  d=\"\\\"\"");
}

TEST(LogFormatText, ControlCharactersCannotForgeALineOrDriveATerminal) {
  const std::string line = text("m\n2013 error", {{"key", std::string("a\r\n\x1b[2J\0b\x7f\xc2\x9b", 12)}});
  EXPECT_EQ(line, "2013-05-24T00:00:00.000Z info    m\\n2013 error  key=\"a\\r\\n\\x1b[2J\\x00b\\x7f\\xc2\\x9b\"");
}

TEST(LogFormatText, Utf8StaysReadable) {
  EXPECT_EQ(text("m", {{"key", "报告.pdf"}}), "2013-05-24T00:00:00.000Z info    m  key=\"报告.pdf\"");
}

TEST(LogFormatText, NamesLookLikeWhatTheyAre) {
  EXPECT_EQ(text("m", {{"key", "invoice\u202Efdp.exe"}, {"a", "x\u200By"}}),
            "2013-05-24T00:00:00.000Z info    m  key=\"invoice\\xe2\\x80\\xaefdp.exe\"  a=\"x\\xe2\\x80\\x8by\"");
}

TEST(LogFormatJson, NamesStayExact) {
  EXPECT_EQ(json("m", {{"key", "invoice\u202Efdp.exe"}}),
            "{\"time\":\"2013-05-24T00:00:00.000Z\",\"level\":\"warning\",\"message\":\"m\",\"key\":"
            "\"invoice\u202Efdp.exe\"}");
}

TEST(LogFormatText, BrokenUtf8IsEscaped) {
  EXPECT_EQ(text("m", {{"key", "a\xff\xe2\x82"}}), "2013-05-24T00:00:00.000Z info    m  key=\"a\\xff\\xe2\\x82\"");
}

TEST(LogFormatText, ColourSurroundsTheLevelOnly) {
  EXPECT_EQ(format_text({kWhen, ports::LogLevel::error, "m", {}}, true),
            "2013-05-24T00:00:00.000Z \x1b[31merror  \x1b[0m m");
}

TEST(LogFormatJson, OneObjectInOrder) {
  EXPECT_EQ(json("sent", {{"to", "a@b"}}),
            R"({"time":"2013-05-24T00:00:00.000Z","level":"warning","message":"sent","to":"a@b"})");
}

TEST(LogFormatJson, EscapesAsRfc8259) {
  EXPECT_EQ(json("\"\\/", {{"k", std::string("\n\r\t\0\x1f", 5)}}),
            R"({"time":"2013-05-24T00:00:00.000Z","level":"warning","message":"\"\\/","k":"\n\r\t\u0000\u001f"})");
}

TEST(LogFormatJson, BrokenUtf8BecomesReplacementCharacters) {
  EXPECT_EQ(
      json("m", {{"k", "a\xff\xc3z"}}),
      "{\"time\":\"2013-05-24T00:00:00.000Z\",\"level\":\"warning\",\"message\":\"m\",\"k\":\"a\xEF\xBF\xBD\xEF\xBF"
      "\xBDz\"}");
}

TEST(LogFormatJson, OurNamesStayOurs) {
  EXPECT_EQ(json("m", {{"level", "x"}}),
            R"({"time":"2013-05-24T00:00:00.000Z","level":"warning","message":"m","level_":"x"})");
}

TEST(LogFormatLambdaJson, HasLambdasNames) {
  const std::vector<ports::LogField> fields = {{"key", "a.txt"}, {"timestamp", "x"}, {"time", "y"}};
  EXPECT_EQ(
      format_lambda_json({kWhen, ports::LogLevel::warning, "mail failed", fields}),
      R"({"timestamp":"2013-05-24T00:00:00.000Z","level":"WARN","message":"mail failed","key":"a.txt","timestamp_":"x","time":"y"})");
}

struct LambdaLevelCase {
  std::string name, text;
  ports::LogLevel want;
};
class LambdaLevelTest : public testing::TestWithParam<LambdaLevelCase> {};
TEST_P(LambdaLevelTest, IsRead) { EXPECT_EQ(parse_lambda_level(GetParam().text), GetParam().want); }
const std::vector<LambdaLevelCase> kLambdaLevels = {
    {"trace", "TRACE", ports::LogLevel::debug},       {"debug", "DEBUG", ports::LogLevel::debug},
    {"info", "INFO", ports::LogLevel::info},          {"warn", "WARN", ports::LogLevel::warning},
    {"error", "ERROR", ports::LogLevel::error},       {"fatal", "FATAL", ports::LogLevel::error},
    {"lower_case", "warn", ports::LogLevel::warning}, {"not_set", "", ports::LogLevel::info},
    {"unknown", "LOUD", ports::LogLevel::info}};
INSTANTIATE_TEST_SUITE_P(Table, LambdaLevelTest, testing::ValuesIn(kLambdaLevels),
                         [](const auto& row) { return row.param.name; });

TEST(LambdaLevel, NamesAreReadBack) {
  for (const auto level :
       {ports::LogLevel::debug, ports::LogLevel::info, ports::LogLevel::warning, ports::LogLevel::error}) {
    EXPECT_EQ(parse_lambda_level(to_lambda_level(level)), level);
  }
}

TEST(LogLevel, NamesAreReadBack) {
  for (const auto level :
       {ports::LogLevel::debug, ports::LogLevel::info, ports::LogLevel::warning, ports::LogLevel::error}) {
    EXPECT_EQ(parse_log_level(to_string(level)), level);
  }
  EXPECT_EQ(parse_log_level("loud"), std::nullopt);
}

}  // namespace
}  // namespace s3link::system
