#include "core/doctor/finding.hpp"

#include <gtest/gtest.h>

namespace s3link::doctor {
namespace {

TEST(Finding, IsOneLineWithoutAFixAndTwoWithOne) {
  EXPECT_EQ(finding_text({"clock", Verdict::ok, "right", ""}), "ok       clock: right\n");
  EXPECT_EQ(finding_text({"clock", Verdict::warning, "40 s ahead", "set it"}),
            "warning  clock: 40 s ahead\n         fix: set it\n");
}

TEST(Finding, WhatAPeerSentCannotSteerATerminal) {
  EXPECT_EQ(finding_text({"relay", Verdict::failed, "550 \x1b[2Jgone\r\nok all: good", ""}),
            "failed   relay: 550 ?[2Jgone??ok all: good\n");
}

TEST(Finding, IsAJsonObject) {
  EXPECT_EQ(finding_json({"relay", Verdict::failed, "550 \"no\"", "ask"}),
            R"({"check":"relay","result":"failed","message":"550 \"no\"","fix":"ask"})");
  EXPECT_EQ(finding_json({"dns", Verdict::skipped, "x", ""}),
            R"({"check":"dns","result":"skipped","message":"x","fix":null})");
}

}  // namespace
}  // namespace s3link::doctor
