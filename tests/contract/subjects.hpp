#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "ports/access_log_journal.hpp"
#include "ports/alarm_store.hpp"
#include "ports/bucket_store.hpp"
#include "ports/dead_letter_queue.hpp"
#include "ports/ledger.hpp"
#include "ports/outbox.hpp"
#include "support/bucket_store_calls.hpp"
#include "support/fake_clock.hpp"
#include "support/run_sync.hpp"

/// What the contract suites are run against: the fake of a port and each of its adapters.
namespace s3link::contract {

using namespace test_support;  // NOLINT(google-build-using-namespace): tests

class BucketStoreSubject {
 public:
  virtual ~BucketStoreSubject() = default;
  virtual ports::BucketStore& store() = 0;
  /// Ends the process's hold on the data and takes it up again.
  virtual void reopen() = 0;
  /// How many events were committed with objects, since the beginning.
  virtual std::size_t event_count() = 0;

  FakeClock clock;
};

/// What every event of an OutboxSubject has as its trace.
inline constexpr const char* kEventTrace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

class OutboxSubject {
 public:
  virtual ~OutboxSubject() = default;
  virtual ports::Outbox& outbox() = 0;
  virtual ports::DeadLetterQueue& dead_letters() = 0;
  virtual void reopen() = 0;
  /// Commits an event about that key; returns its id.
  virtual std::int64_t add(const std::string& key, Instant when) = 0;
  /// "pending", "delivered" (gone without a trace counts), "dead" or "dropped".
  virtual std::string state(std::int64_t id) = 0;
};

class LedgerSubject {
 public:
  virtual ~LedgerSubject() = default;
  virtual ports::Ledger& ledger() = 0;
  virtual void reopen() = 0;
};

class AlarmStoreSubject {
 public:
  virtual ~AlarmStoreSubject() = default;
  virtual ports::AlarmStore& alarms() = 0;
  virtual void reopen() = 0;
  /// Commits an event made at that time; a reason: it was tried in vain, and waits for its next attempt.
  virtual void add_waiting(Instant made, const std::string& reason) = 0;
  /// Commits a delivery that is given up.
  virtual void add_dead_letter(const std::string& kind, const std::string& message) = 0;
};

class AccessLogJournalSubject {
 public:
  virtual ~AccessLogJournalSubject() = default;
  virtual ports::AccessLogJournal& journal() = 0;
  virtual void reopen() = 0;
  /// The object of that key in the bucket "bucket", or "(none)".
  virtual std::string published(const std::string& key) = 0;
};

struct Subjects {
  std::string name;
  std::unique_ptr<BucketStoreSubject> (*bucket_store)();
  std::unique_ptr<OutboxSubject> (*outbox)();
  std::unique_ptr<LedgerSubject> (*ledger)();
  std::unique_ptr<AlarmStoreSubject> (*alarm_store)();
  std::unique_ptr<AccessLogJournalSubject> (*access_log_journal)();
};
void PrintTo(const Subjects& subjects, std::ostream* out);

/// The fakes and the adapters.
std::vector<Subjects> all_subjects();

class BucketStoreContract : public testing::TestWithParam<Subjects> {
 protected:
  void SetUp() override {
    subject_ = GetParam().bucket_store();
    ASSERT_TRUE(run_sync(store().create_bucket(bucket_name(), at_second(1))));
  }
  ports::BucketStore& store() { return subject_->store(); }
  Result<ports::ObjectInfo> put_text(std::string_view key, std::string text) {
    return run_sync(put(store(), put_request(key), std::move(text)));
  }
  /// What stands under the key, or the error's code.
  std::string text_or_code(const std::string& key) {
    const auto got = run_sync(get(store(), key));
    return got ? *got : got.error().code;
  }

  std::unique_ptr<BucketStoreSubject> subject_;
};

#define S3LINK_INSTANTIATE_CONTRACT(suite)                                              \
  INSTANTIATE_TEST_SUITE_P(Subject, suite, testing::ValuesIn(contract::all_subjects()), \
                           [](const auto& row) { return row.param.name; })

}  // namespace s3link::contract
