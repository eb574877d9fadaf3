// What mails are told apart by, over a thousand restores of one backup: the store gives the numbers and their origins,
// the mailer and the alarm's mail make Message-IDs of them.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "adapters/sqlite_store/backup.hpp"
#include "adapters/sqlite_store/origin_rows.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"
#include "core/alarm/notification.hpp"
#include "core/event/event_record.hpp"
#include "services/link/mailer.hpp"
#include "services/pipeline/alarm_mail.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_ledger.hpp"
#include "support/fake_mail_sender.hpp"
#include "support/fake_random.hpp"

namespace s3link {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using sqlite_store::Connection;
using sqlite_store::Store;
using sqlite_store::TemporaryFolder;
using test_support::run_sync;

constexpr unsigned kRestores = 1000;

/// The same bucket, key, recipient and sender each time: what differs is the number and where it comes from.
class RestoredIdsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto store = sqlite_store::open_store(first_.path());
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE(run_sync((*store)->buckets().create_bucket(test_support::bucket_name(), test_support::at_second(1))));
    upload(**store);
    ASSERT_TRUE(sqlite_store::back_up({.data_dir = first_.path(), .target = backup_.path() / "backup"}));
    upload(**store);
    ASSERT_EQ(sequencers_.size(), 2U);
    ASSERT_EQ(message_ids_.size(), 2U);
  }

  void upload(Store& store) {
    const auto sequencer = sqlite_store::put_with_event(store, test_support::put_request("report.pdf"));
    sequencers_.insert(sequencer);
    mail_about(sequencer, store.origins());
  }

  void mail_about(const std::string& sequencer, const event::Origins& origins) {
    test_support::FakeLedger ledger;
    link::Mailer mailer({.sender = address_,
                         .sender_name = "Files",
                         .recipients = {address_},
                         .link_template = mail::LinkTemplate::built_in(Language::en),
                         .origins = origins},
                        sender_, ledger, clock_, random_);
    link::LinkJob job{.bucket = "bucket",
                      .key = "report.pdf",
                      .sequencer = sequencer,
                      .size_bytes = 1,
                      .sha256 = std::string(32, '\x01'),
                      .link = {Secret("https://files.example.org/bucket/report.pdf?sig"), clock_.now() + 5h},
                      .removed_at = clock_.now() + 24h};
    trace::Segment segment;
    const auto outcomes = run_sync(mailer.deliver(std::move(job), {address_}, segment));
    ASSERT_EQ(outcomes.size(), 1U);
    ASSERT_TRUE(outcomes.front().status) << outcomes.front().status.error().message;
    message_ids_.insert(sender_.sent.back().message_id);
  }

  void mail_about_alarm(std::uint64_t number, const event::Origins& origins) {
    const alarm::Source source{.server = "http://127.0.0.1", .bucket = "bucket", .options = "", .origins = origins};
    pipeline::AlarmMail mailer({.sender = address_, .sender_name = "Files", .recipient = address_, .source = source},
                               sender_);
    alarm::Notification notification;
    notification.id = static_cast<std::int64_t>(number);
    notification.made = test_support::at_second(1'700'000'000);
    ASSERT_TRUE(run_sync(mailer.tell(notification)));
    message_ids_.insert(sender_.sent.back().message_id);
    alarm_ids_.insert(alarm::identity(notification, source));
  }

  /// As docs/operations.md says, without the folder of files.
  fs::path restore_database() const {
    std::error_code none;
    for (const char* const suffix : {"-wal", "-shm"})
      fs::remove(place_.path() / (std::string("s3link.db") + suffix), none);
    fs::copy(backup_.path() / "backup" / "s3link.db", place_.path(), fs::copy_options::overwrite_existing);
    return place_.path() / "s3link.db";
  }

  /// What the first start after a restore does to the numbers, and mails about the first upload and the first alarm.
  void restore_and_mail(Instant now) {
    const auto db = Connection::open(restore_database(), Connection::Mode::writer, nullptr);
    ASSERT_TRUE(db) << db.error().message;
    ASSERT_TRUE(sqlite_store::prepare_schema(**db));
    const auto begun = sqlite_store::begin_origin(**db, now);
    ASSERT_TRUE(begun) << begun.error().message;
    sequencers_.insert(event::sequencer_of(begun->next_number));
    mail_about(event::sequencer_of(begun->next_number), begun->origins);
    mail_about_alarm(begun->next_number, begun->origins);
  }

  TemporaryFolder first_{TemporaryFolder::Place::memory};
  TemporaryFolder backup_{TemporaryFolder::Place::memory};
  TemporaryFolder place_{TemporaryFolder::Place::memory};
  test_support::FakeClock clock_;
  test_support::FakeRandom random_;
  test_support::FakeMailSender sender_;
  const mail::Address address_ = *mail::Address::parse("files@example.org");
  std::set<std::string> sequencers_;   // of the uploads before and after the backup, and after each restore
  std::set<std::string> message_ids_;  // of the mails about them, and about alarms
  std::set<std::string> alarm_ids_;
};

TEST_F(RestoredIdsTest, AreDistinctOverAThousandRestores) {
  for (unsigned i = 0; i < kRestores; ++i) {
    restore_and_mail(test_support::at_second(1'800'000'000) + std::chrono::milliseconds(i));
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(sequencers_.size(), 2 + kRestores);
  EXPECT_EQ(alarm_ids_.size(), kRestores);
  EXPECT_EQ(message_ids_.size(), 2 + 2 * kRestores);
}

TEST_F(RestoredIdsTest, OfMailsAreDistinctWhereTheClockStandsStill) {
  for (unsigned i = 0; i < kRestores; ++i) {
    restore_and_mail(test_support::at_second(946'684'800));
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(sequencers_.size(), 3U);
  EXPECT_EQ(alarm_ids_.size(), kRestores);
  EXPECT_EQ(message_ids_.size(), 2 + 2 * kRestores);
}

TEST_F(RestoredIdsTest, AreDistinctWhereTheWholeStoreIsOpened) {
  for (int i = 0; i < 3; ++i) {
    restore_database();
    const auto store = sqlite_store::open_store(place_.path());
    ASSERT_TRUE(store) << store.error().message;
    upload(**store);
    upload(**store);
  }
  EXPECT_EQ(sequencers_.size(), 8U);
  EXPECT_EQ(message_ids_.size(), 8U);
}

}  // namespace
}  // namespace s3link
