#include "apps/s3link/wording.hpp"

#include <gtest/gtest.h>

namespace s3link::app {
namespace {
using namespace std::chrono_literals;

TEST(Wording, Sizes) {
  EXPECT_EQ(size_in_words(0), "0 B");
  EXPECT_EQ(size_in_words(999), "999 B");
  EXPECT_EQ(size_in_words(1000), "1.0 kB");
  EXPECT_EQ(size_in_words(999'949), "999.9 kB");
  EXPECT_EQ(size_in_words(999'950), "1.0 MB");
  EXPECT_EQ(size_in_words(5'368'709'120), "5.4 GB");
}

TEST(Wording, Durations) {
  EXPECT_EQ(duration_in_words(-5s), "0 s");
  EXPECT_EQ(duration_in_words(119s), "119 s");
  EXPECT_EQ(duration_in_words(120s), "2 min");
  EXPECT_EQ(duration_in_words(119min), "119 min");
  EXPECT_EQ(duration_in_words(5h), "5 h");
  EXPECT_EQ(duration_in_words(72h), "3 d");
}

TEST(Wording, Instants) {
  EXPECT_EQ(instant_in_words(*parse_iso8601("2026-12-08T14:00:05.999Z")), "2026-12-08 14:00:05 UTC");
}

TEST(Printable, TerminalsAreNotDriven) {
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a?[2Jb?");
  EXPECT_EQ(printable("Grüße 文件 😀"), "Grüße 文件 😀");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "b"),
            "a?b");
  EXPECT_EQ(printable("a\xff"), "a?");
  EXPECT_EQ(printable("文件名", 2), "文件…");
}

TEST(Printable, NamesLookLikeWhatTheyAre) {
  EXPECT_EQ(printable("invoice\u202Efdp.exe"), "invoice?fdp.exe");
  EXPECT_EQ(printable("a\u200Bb\u2066c\uFEFF"), "a?b?c?");
  EXPECT_EQ(printable("می\u200Cروم 👩\u200D💻"), "می\u200Cروم 👩\u200D💻");
}

TEST(QuotedForShell, OnlyWhatHasToBe) {
  EXPECT_EQ(quoted_for_shell("/var/lib/s3link-2_b.d"), "/var/lib/s3link-2_b.d");
  EXPECT_EQ(quoted_for_shell("/my data/it's"), "'/my data/it'\\''s'");
}

}  // namespace
}  // namespace s3link::app
