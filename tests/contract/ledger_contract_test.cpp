#include "contract/subjects.hpp"

namespace s3link::contract {
namespace {

class LedgerContract : public testing::TestWithParam<Subjects> {
 protected:
  void SetUp() override { subject_ = GetParam().ledger(); }
  bool contains(const ports::LedgerKey& key) { return *run_sync(subject_->ledger().contains(key)); }
  static ports::LedgerEntry entry(const ports::LedgerKey& key, std::string message_id = "<1@s3link>") {
    return {.key = key,
            .message_id = std::move(message_id),
            .sent = at_second(10),
            .deadline = at_second(20),
            .reply = "250 ok"};
  }
  const ports::LedgerKey key_{.bucket = "b", .key = "k", .sequencer = "0000000000000001", .recipient = "a@b"};
  std::unique_ptr<LedgerSubject> subject_;
};

TEST_P(LedgerContract, RemembersWhatWasSentAlsoAfterReopening) {
  EXPECT_FALSE(contains(key_));
  ASSERT_TRUE(run_sync(subject_->ledger().record_sent(entry(key_))));
  EXPECT_TRUE(contains(key_));
  subject_->reopen();
  EXPECT_TRUE(contains(key_));
}

TEST_P(LedgerContract, EveryMemberOfTheKeyCounts) {
  ASSERT_TRUE(run_sync(subject_->ledger().record_sent(entry(key_))));
  for (std::string ports::LedgerKey::* const member :
       {&ports::LedgerKey::bucket, &ports::LedgerKey::key, &ports::LedgerKey::sequencer, &ports::LedgerKey::recipient,
        &ports::LedgerKey::kind}) {
    ports::LedgerKey other = key_;
    other.*member += "x";
    EXPECT_FALSE(contains(other));
  }
}

TEST_P(LedgerContract, KnowsWhenAKeyWasMailedToSomebodyBefore) {
  const auto before = [this](std::size_t more) { return *run_sync(subject_->ledger().sent_before(key_, more)); };
  EXPECT_EQ(before(0), std::nullopt);
  for (const int second : {30, 10, 20}) {
    ports::LedgerEntry sent = entry(key_, "<" + std::to_string(second) + "@s3link>");
    sent.key.sequencer = std::to_string(second);
    sent.sent = at_second(second);
    ASSERT_TRUE(run_sync(subject_->ledger().record_sent(std::move(sent))));
  }
  for (std::string ports::LedgerKey::* const member :
       {&ports::LedgerKey::bucket, &ports::LedgerKey::key, &ports::LedgerKey::recipient, &ports::LedgerKey::kind}) {
    ports::LedgerEntry other = entry(key_);
    other.key.*member += "x";
    other.sent = at_second(99);
    ASSERT_TRUE(run_sync(subject_->ledger().record_sent(std::move(other))));
  }
  EXPECT_EQ(before(0), at_second(30));
  EXPECT_EQ(before(2), at_second(10));
  EXPECT_EQ(before(3), std::nullopt);
}

TEST_P(LedgerContract, RecordingTwiceIsNoError) {
  ASSERT_TRUE(run_sync(subject_->ledger().record_sent(entry(key_))));
  ASSERT_TRUE(run_sync(subject_->ledger().record_sent(entry(key_, "<2@s3link>"))));
  EXPECT_TRUE(contains(key_));
}

S3LINK_INSTANTIATE_CONTRACT(LedgerContract);

}  // namespace
}  // namespace s3link::contract
