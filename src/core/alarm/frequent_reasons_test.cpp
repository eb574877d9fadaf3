#include "core/alarm/frequent_reasons.hpp"

#include <gtest/gtest.h>

namespace s3link::alarm {
namespace {

using Reasons = std::vector<FrequentReason>;

TEST(FrequentReasons, MostFrequentFirst) {
  FrequentReasons reasons;
  EXPECT_EQ(reasons.top(3), Reasons{});
  reasons.add("denied", "you@example.org: 550 5.1.1 no such user");
  reasons.add("transient", "connection refused", 2);
  reasons.add("unlinkable_key", "dots");
  reasons.add("internal", "what");
  reasons.add("denied", "you@example.org: 550 5.1.1 no such user", 4);
  EXPECT_EQ(reasons.top(3), (Reasons{{"denied: you@example.org: 550 5.1.1 no such user", 5},
                                     {"transient: connection refused", 2},
                                     {"internal: what", 1}}));
  EXPECT_EQ(reasons.top(10).size(), 4U);
}

TEST(FrequentReasons, WhatRelaysMakeUpDoesNotTellThemApart) {
  FrequentReasons reasons;
  reasons.add("transient", "you@example.org: 451 4.3.0 4F2A81C3 queue full (pid 123456, 2026-12-08)");
  reasons.add("transient", "you@example.org: 451 4.3.0 9B11D0E7 queue full (pid 654321, 2026-12-08)");
  reasons.add("transient", "you@example.org: 452 4.3.0 4F2A81C3 queue full (pid 123456, 2026-12-08)");
  EXPECT_EQ(reasons.top(3), (Reasons{{"transient: you@example.org: 451 4.3.0 … queue full (pid …, 2026-12-08)", 2},
                                     {"transient: you@example.org: 452 4.3.0 … queue full (pid …, 2026-12-08)", 1}}));
}

TEST(FrequentReasons, WordsFromOutsideCannotBreakTheMail) {
  FrequentReasons reasons;
  reasons.add("denied", "550 no\r\nBcc: everybody\xff\x1b[31m");
  EXPECT_EQ(reasons.top(1)[0].text, "denied: 550 no Bcc: everybody\uFFFD[31m");
  FrequentReasons longer;
  longer.add("denied", std::string(150, 'x') + std::string(40, 'y') + "ßßßßß");
  EXPECT_EQ(longer.top(1)[0].text, "denied: " + std::string(150, 'x') + std::string(40, 'y') + "ß…");
}

TEST(FrequentReasons, MemoryIsBounded) {
  FrequentReasons reasons;
  for (int i = 0; i < 5'000; ++i)
    reasons.add("denied", std::string(static_cast<std::size_t>(i % 190), 'a') + "-" + std::to_string(i / 190));
  const auto all = reasons.top(10'000);
  EXPECT_EQ(all.size(), 1'001U);
  EXPECT_EQ(all[0].text, "other reasons");
  std::uint64_t sum = 0;
  for (const auto& reason : all) sum += reason.count;
  EXPECT_EQ(sum, 5'000U);
}

}  // namespace
}  // namespace s3link::alarm
