#include "apps/s3link/dead_letter_page.hpp"

#include <gtest/gtest.h>

namespace s3link::app {
namespace {

constexpr const char* kList = R"({"length":3,"reasons":[{"reason":"denied","count":2},{"reason":"transient","count":1}],
  "dead_letters":[{"id":17,"bucket":"b","key":"reports/\u001b[31mQ3.pdf","created":"2026-01-02T03:04:05.000Z","attempts":1,
  "first_failure":"2026-01-02T03:04:06.000Z","last_failure":"2026-01-02T03:04:06.000Z","trace":"","reason":"denied",
  "message":"you@x.org: 550 no such user","recipient":"you@x.org","reply":"550 no such user"}],"next":16})";

constexpr const char* kOne = R"({"id":17,"bucket":"b","key":"Q3.pdf","created":"2026-01-02T03:04:05.000Z","attempts":2,
  "first_failure":"2026-01-02T03:04:06.000Z","last_failure":"2026-01-02T03:04:08.000Z","trace":"1-67891233-abcdef",
  "reason":"denied","message":"you@x.org: 550 no","recipient":"you@x.org","reply":"550 no",
  "history":[{"at":"2026-01-02T03:04:06.000Z","reason":"transient","message":"no route","recipient":"","reply":""},
  {"at":"2026-01-02T03:04:08.000Z","reason":"denied","message":"you@x.org: 550 no","recipient":"you@x.org",
  "reply":"550 no"}],"event":{"Records":[{"eventVersion":"2.1","s3":{}}],"more":[]}})";

TEST(DeadLetterWords, OfTheList) {
  const auto list = parse_dead_letter_list(kList);
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->letters.size(), 1U);
  EXPECT_EQ(dead_letter_in_words(list->letters[0]),
            "17         reports/?[31mQ3.pdf\n"
            "           to            you@x.org\n"
            "           reason        denied: you@x.org: 550 no such user\n"
            "           failed        1 attempt, first 2026-01-02 03:04:06 UTC, last 2026-01-02 03:04:06 UTC\n");
  EXPECT_EQ(summary_in_words(*list, false),
            "3 dead letters: 2 denied, 1 transient; the newest 1 are shown, --limit N shows more\n");
  EXPECT_EQ(summary_in_words(*list, true), "3 dead letters: 2 denied, 1 transient\n");
}

TEST(DeadLetterWords, OfNone) {
  const auto list = parse_dead_letter_list(R"({"length":0,"reasons":[],"dead_letters":[],"next":null})");
  ASSERT_TRUE(list);
  EXPECT_EQ(summary_in_words(*list, false), "0 dead letters\n");
}

TEST(DeadLetterWords, OfOne) {
  const auto letter = parse_dead_letter(kOne);
  ASSERT_TRUE(letter) << letter.error().message;
  EXPECT_EQ(whole_dead_letter_in_words(*letter),
            "17         Q3.pdf\n"
            "           bucket        b\n"
            "           uploaded      2026-01-02 03:04:05 UTC\n"
            "           to            you@x.org\n"
            "           reason        denied: you@x.org: 550 no\n"
            "           relay said    550 no\n"
            "           failed        2 attempts, first 2026-01-02 03:04:06 UTC, last 2026-01-02 03:04:08 UTC\n"
            "           trace         1-67891233-abcdef\n"
            "           attempt       2026-01-02 03:04:06 UTC  transient: no route\n"
            "           attempt       2026-01-02 03:04:08 UTC  denied: you@x.org: 550 no\n"
            "           event\n"
            "             {\n"
            "               \"Records\": [\n"
            "                 {\n"
            "                   \"eventVersion\": \"2.1\",\n"
            "                   \"s3\": {}\n"
            "                 }\n"
            "               ],\n"
            "               \"more\": []\n"
            "             }\n");
}

TEST(ParseDeadLetterChange, ReadsEveryMember) {
  const auto change = parse_dead_letter_change(
      R"({"redriven":[1,2],"refused":[{"id":3,"reason":"object_gone","message":"it was removed"}],"next":9})",
      "redriven");
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_EQ(change->done, 2U);
  ASSERT_EQ(change->refused.size(), 1U);
  EXPECT_EQ(change->refused[0].id, 3);
  EXPECT_EQ(change->refused[0].reason, "object_gone");
  EXPECT_EQ(change->refused[0].message, "it was removed");
  EXPECT_EQ(change->next, 9);
  EXPECT_FALSE(parse_dead_letter_change(R"({"dropped":[],"refused":[],"next":null})", "dropped")->next);
}

TEST(ParseDeadLetters, AnythingElseIsAnError) {
  for (const auto* text :
       {"", "[]", "{}", "{\"dead_letters\":1,\"reasons\":[]}", "{\"dead_letters\":[1],\"reasons\":[]}",
        "{\"redriven\":[]}", "{\"redriven\":1,\"refused\":[]}", "{\"history\":[1]}"}) {
    EXPECT_FALSE(parse_dead_letter_list(text)) << text;
    EXPECT_FALSE(parse_dead_letter(text)) << text;
    EXPECT_FALSE(parse_dead_letter_change(text, "redriven")) << text;
  }
}

}  // namespace
}  // namespace s3link::app
