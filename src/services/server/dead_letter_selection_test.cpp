#include "services/server/dead_letter_selection.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace s3link::server {
namespace {

std::string told(const DeadLetterSelection& selection) {
  std::string out;
  for (const auto id : selection.ids) out += std::to_string(id) + " ";
  if (selection.filter) out += "filter:" + selection.filter->reason;
  if (selection.after) out += " after:" + std::to_string(*selection.after);
  return out;
}

struct SelectionCase {
  std::string name, json, want;  // "!" and the message: refused
};
const std::vector<SelectionCase> kSelectionCases = {
    {"one", R"({"ids":[7]})", "7 "},
    {"several", R"({"ids":[7,3,9007199254740993]})", "7 3 9007199254740993 "},
    {"all", R"({"all":true})", "filter:"},
    {"all_goes_on", R"({"all":true,"after":12})", "filter: after:12"},
    {"reason", R"({"reason":"denied"})", "filter:denied"},
    {"reason_goes_on", R"({"after":5,"reason":"denied"})", "filter:denied after:5"},
    {"empty", "", "!the body is not a JSON object"},
    {"list", "[1]", "!the body is not a JSON object"},
    {"cut", R"({"ids":[1)", "!the body is not a JSON object"},
    {"nothing", "{}", "!one of ids, all and reason is needed"},
    {"two", R"({"ids":[1],"all":true})", "!one of ids, all and reason is needed"},
    {"all_false", R"({"all":false})", "!all: not true"},
    {"all_text", R"({"all":"true"})", "!all: not true"},
    {"no_ids", R"({"ids":[]})", "!ids: not a list of 1 to 1000"},
    {"ids_no_list", R"({"ids":1})", "!ids: not a list of 1 to 1000"},
    {"id_text", R"({"ids":["1"]})", "!ids: not a dead letter's id"},
    {"id_fraction", R"({"ids":[1.5]})", "!ids: not a dead letter's id"},
    {"id_zero", R"({"ids":[0]})", "!ids: not a dead letter's id"},
    {"id_negative", R"({"ids":[-1]})", "!ids: not a dead letter's id"},
    {"id_too_large", R"({"ids":[9223372036854775808]})", "!ids: not a dead letter's id"},
    {"reason_empty", R"({"reason":""})", "!reason: not a text"},
    {"reason_number", R"({"reason":1})", "!reason: not a text"},
    {"after_text", R"({"all":true,"after":"1"})", "!after: not a dead letter's id"},
    {"after_with_ids", R"({"ids":[1],"after":1})", "!after: goes with all or reason"},
    {"unknown", R"({"all":true,"force":true})", "!neither ids, all, reason nor after: force"},
    {"too_many",
     "{\"ids\":[" +
         [] {
           std::string list = "1";
           for (int i = 0; i < 1000; ++i) list += ",1";
           return list;
         }() +
         "]}",
     "!ids: not a list of 1 to 1000"},
};
class SelectionTest : public testing::TestWithParam<SelectionCase> {};
TEST_P(SelectionTest, ParsesOrRefuses) {
  const auto got = parse_dead_letter_selection(GetParam().json);
  EXPECT_EQ(got ? told(*got) : "!" + got.error().message, GetParam().want);
  if (!got) EXPECT_EQ(got.error().code, "InvalidArgument");
}
INSTANTIATE_TEST_SUITE_P(Table, SelectionTest, testing::ValuesIn(kSelectionCases),
                         [](const auto& row) { return row.param.name; });

TEST(ParseDeadLetterId, WholePositiveNumbersOnly) {
  EXPECT_EQ(parse_dead_letter_id("1"), 1);
  EXPECT_EQ(parse_dead_letter_id("9223372036854775807"), INT64_MAX);
  for (const auto* text : {"", "0", "-1", "1x", " 1", "9223372036854775808", "redriven"}) {
    EXPECT_FALSE(parse_dead_letter_id(text)) << text;
  }
}

}  // namespace
}  // namespace s3link::server
