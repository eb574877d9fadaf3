#include "contract/subjects.hpp"

namespace s3link::contract {
namespace {

constexpr std::uint64_t kNoLimit = 1'000'000'000;

class AccessLogJournalContract : public testing::TestWithParam<Subjects> {
 protected:
  void SetUp() override { subject_ = GetParam().access_log_journal(); }
  ports::AccessLogJournal& journal() { return subject_->journal(); }
  void append(const std::string& text, Instant when = at_second(1'700'000'000)) {
    const auto count = static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
    ASSERT_TRUE(run_sync(journal().append({.text = text, .count = count}, when)));
  }
  Result<std::uint64_t> publish(std::string_view key, std::uint64_t max_lines = kNoLimit,
                                std::uint64_t max_bytes = kNoLimit, std::string_view bucket = "bucket") {
    const auto published = publish_within(kNoLimit, key, max_lines, max_bytes, bucket);
    if (!published) return std::unexpected(published.error());
    return published->lines;
  }
  Result<ports::AccessLogJournal::Published> publish_within(std::uint64_t max_bucket_bytes, std::string_view key,
                                                            std::uint64_t max_lines = kNoLimit,
                                                            std::uint64_t max_bytes = kNoLimit,
                                                            std::string_view bucket = "bucket") {
    return run_sync(journal().publish({.bucket = bucket_name(bucket),
                                       .key = object_key(key),
                                       .removed_at = at_second(1'800'000'000),
                                       .max_bucket_bytes = max_bucket_bytes},
                                      at_second(1'700'000'001), max_lines, max_bytes));
  }

  std::unique_ptr<AccessLogJournalSubject> subject_;
};
S3LINK_INSTANTIATE_CONTRACT(AccessLogJournalContract);

TEST_P(AccessLogJournalContract, NothingWaitsInANewOneAndNothingIsMadeOfIt) {
  const auto waiting = run_sync(journal().waiting());
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->lines, 0U);
  EXPECT_EQ(waiting->bytes, 0U);
  EXPECT_FALSE(waiting->oldest);
  EXPECT_EQ(publish("k"), 0U);
  EXPECT_EQ(subject_->published("k"), "(none)");
}

TEST_P(AccessLogJournalContract, WhatWaitsIsCountedAndOutlivesTheProcess) {
  append("a\nbb\n", at_second(1'600'000'000));
  append("c\n", at_second(1'600'000'005));
  subject_->reopen();
  const auto waiting = run_sync(journal().waiting());
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->lines, 3U);
  EXPECT_EQ(waiting->bytes, 7U);
  EXPECT_EQ(waiting->oldest, at_second(1'600'000'000));
}

TEST_P(AccessLogJournalContract, AnObjectHoldsTheLinesInOrderAndTheJournalNoMore) {
  append("a\n");
  append("b\n");
  EXPECT_EQ(publish("k"), 2U);
  EXPECT_EQ(subject_->published("k"), "a\nb\n");
  EXPECT_EQ(run_sync(journal().waiting())->lines, 0U);
  subject_->reopen();
  EXPECT_EQ(publish("again"), 0U);
  append("c\n");
  EXPECT_EQ(publish("next"), 1U);
  EXPECT_EQ(subject_->published("next"), "c\n");
}

TEST_P(AccessLogJournalContract, AnObjectTakesNoMoreThanItMay) {
  for (const auto* const text : {"a\n", "b\n", "c\n", "d\n"}) append(text);
  EXPECT_EQ(publish("lines", 2), 2U);
  EXPECT_EQ(subject_->published("lines"), "a\nb\n");
  EXPECT_EQ(publish("bytes", kNoLimit, 3), 1U);
  EXPECT_EQ(subject_->published("bytes"), "c\n");
  EXPECT_EQ(publish("rest"), 1U);
}

TEST_P(AccessLogJournalContract, OneAppendIsTakenWhole) {
  append("a\nb\nc\n");
  append("d\n");
  EXPECT_EQ(publish("k", 1, 1), 3U);
  EXPECT_EQ(subject_->published("k"), "a\nb\nc\n");
  EXPECT_EQ(run_sync(journal().waiting())->lines, 1U);
}

TEST_P(AccessLogJournalContract, LargeObjectsAreWholeToo) {
  const std::string text = std::string(700'000, 'x') + "\n";
  append(text);
  append(text);
  EXPECT_EQ(publish("k"), 2U);
  EXPECT_EQ(subject_->published("k"), text + text);
}

TEST_P(AccessLogJournalContract, TheOldestObjectsGoWhenTheBucketHoldsTooMuch) {
  for (const auto* const key : {"1", "2", "3"}) {
    append(std::string(99, 'x') + "\n");
    ASSERT_TRUE(publish(key));
  }
  append(std::string(99, 'y') + "\n");
  const auto published = publish_within(250, "4");
  ASSERT_TRUE(published);
  EXPECT_EQ(published->lines, 1U);
  EXPECT_EQ(published->removed, 2U);
  EXPECT_EQ(subject_->published("1"), "(none)");
  EXPECT_EQ(subject_->published("2"), "(none)");
  EXPECT_NE(subject_->published("3"), "(none)");
  append(std::string(999, 'z') + "\n");
  const auto large = publish_within(250, "5");
  ASSERT_TRUE(large);
  EXPECT_EQ(large->removed, 2U);
  EXPECT_NE(subject_->published("5"), "(none)") << "the new one stays, however large";
}

}  // namespace
}  // namespace s3link::contract
