#include "contract/subjects.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "adapters/sqlite_store/store.hpp"
#include "adapters/sqlite_store/store_hooks.hpp"
#include "core/event/event_record.hpp"
#include "support/fake_access_log_journal.hpp"
#include "support/fake_alarm_store.hpp"
#include "support/fake_bucket_store.hpp"
#include "support/fake_dead_letter_queue.hpp"
#include "support/fake_ledger.hpp"
#include "support/fake_outbox.hpp"

namespace s3link::contract {
namespace {

namespace fs = std::filesystem;

class FakeBuckets final : public BucketStoreSubject {
 public:
  ports::BucketStore& store() override { return store_; }
  void reopen() override {}
  std::size_t event_count() override { return store_.events.size(); }

 private:
  FakeBucketStore store_{clock};
};

class FakeEvents final : public OutboxSubject {
 public:
  ports::Outbox& outbox() override { return outbox_; }
  ports::DeadLetterQueue& dead_letters() override { return dead_letters_; }
  void reopen() override { outbox_.release_claims(); }
  std::int64_t add(const std::string& key, Instant when) override {
    event::EventRecord record;
    record.event_name = "ObjectCreated:Put";
    record.time = when;
    record.bucket = "bucket";
    record.key = key;
    record.sequencer = event::sequencer_of(1);
    return outbox_.add(event::build_notification(record), when, kEventTrace);
  }
  std::string state(std::int64_t id) override { return outbox_.row(id).state; }

 private:
  FakeOutbox outbox_;
  FakeDeadLetterQueue dead_letters_{outbox_};
};

class FakeSent final : public LedgerSubject {
 public:
  ports::Ledger& ledger() override { return ledger_; }
  void reopen() override {}

 private:
  FakeLedger ledger_;
};

class FakeAlarms final : public AlarmStoreSubject {
 public:
  ports::AlarmStore& alarms() override { return store_; }
  void reopen() override {}
  void add_waiting(Instant made, const std::string& reason) override {
    store_.waiting.emplace_back(
        made, reason.empty() ? std::nullopt : std::optional(FakeAlarmStore::Reason("transient", reason)));
  }
  void add_dead_letter(const std::string& kind, const std::string& message) override {
    store_.add_dead_letters(1, kind, message);
  }

 private:
  FakeAlarmStore store_;
};

class FakeJournal final : public AccessLogJournalSubject {
 public:
  ports::AccessLogJournal& journal() override { return journal_; }
  void reopen() override {}
  std::string published(const std::string& key) override {
    for (const auto& object : journal_.objects) {
      if (object.target.key.text() == key) return object.text;
    }
    return "(none)";
  }

 private:
  FakeAccessLogJournal journal_;
};

/// A SQLite store in a folder of its own.
class Folder {
 public:
  explicit Folder(std::function<Instant()> now) : now_(std::move(now)) {
    std::string name = (fs::temp_directory_path() / "s3link-contract-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
    open();
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    store_.reset();
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  void reopen() {
    store_.reset();
    open();
  }
  sqlite_store::Store& operator*() { return *store_; }
  sqlite_store::Store* operator->() { return store_.get(); }

 private:
  void open() {
    const sqlite_store::StoreHooks hooks{.files = nullptr, .sqlite_vfs = nullptr, .now = now_};
    auto opened = sqlite_store::Store::open(
        {.data_dir = path_, .master_key = Secret(std::string(32, 'm')), .region = "us-east-1"}, hooks);
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
  }

  std::function<Instant()> now_;
  fs::path path_;
  std::unique_ptr<sqlite_store::Store> store_;
};

class SqliteBuckets final : public BucketStoreSubject {
 public:
  ports::BucketStore& store() override { return folder_->buckets(); }
  void reopen() override { folder_.reopen(); }
  std::size_t event_count() override {
    ports::DeliveryFilter all;
    all.limit = 1000;
    return run_sync(folder_->deliveries().list(all))->size();
  }

 private:
  Folder folder_{[this] { return clock.now(); }};
};

class SqliteEvents final : public OutboxSubject {
 public:
  SqliteEvents() {
    if (!run_sync(folder_->buckets().create_bucket(bucket_name(), at_second(1)))) throw std::runtime_error("no bucket");
  }
  ports::Outbox& outbox() override { return folder_->outbox(); }
  ports::DeadLetterQueue& dead_letters() override { return folder_->dead_letters(); }
  sqlite_store::Store& store() { return *folder_; }
  void reopen() override { folder_.reopen(); }
  std::int64_t add(const std::string& key, Instant when) override {
    ports::PutObject request = put_request(key);
    request.modified = when;
    request.event = ports::EventOrigin{.event_name = "ObjectCreated:Put",
                                       .region = "us-east-1",
                                       .principal = "AKID",
                                       .source_ip = "127.0.0.1",
                                       .request_id = "R",
                                       .trace = kEventTrace};
    const auto info = run_sync(put(folder_->buckets(), std::move(request), "content"));
    if (!info) throw std::runtime_error(info.error().message);
    return static_cast<std::int64_t>(std::stoull(info->sequencer, nullptr, 16));
  }
  std::string state(std::int64_t id) override {
    ports::DeliveryFilter filter;
    filter.sequencer = event::sequencer_of(static_cast<std::uint64_t>(id));
    const auto rows = run_sync(folder_->deliveries().list(filter));
    if (!rows) throw std::runtime_error(rows.error().message);
    return rows->empty() ? "delivered" : rows->front().state;
  }

 private:
  Folder folder_{{}};
};

class SqliteSent final : public LedgerSubject {
 public:
  ports::Ledger& ledger() override { return folder_->ledger(); }
  void reopen() override { folder_.reopen(); }

 private:
  Folder folder_{{}};
};

class SqliteAlarms final : public AlarmStoreSubject {
 public:
  ports::AlarmStore& alarms() override { return events_.store().alarms(); }
  void reopen() override { events_.reopen(); }
  void add_waiting(Instant made, const std::string& reason) override {
    const auto id = events_.add("waits", made);
    if (reason.empty()) return;
    if (!run_sync(events_.outbox().reschedule(id, made, made, {"transient", reason})))
      throw std::runtime_error("no event");
  }
  void add_dead_letter(const std::string& kind, const std::string& message) override {
    const auto id = events_.add("dead", at_second(2));
    if (!run_sync(events_.outbox().give_up(id, at_second(3), {kind, message}))) throw std::runtime_error("no event");
  }

 private:
  SqliteEvents events_;
};

class SqliteJournal final : public AccessLogJournalSubject {
 public:
  SqliteJournal() {
    if (!run_sync(folder_->buckets().create_bucket(bucket_name(), at_second(1)))) throw std::runtime_error("no bucket");
  }
  ports::AccessLogJournal& journal() override { return folder_->access_log_journal(); }
  void reopen() override { folder_.reopen(); }
  std::string published(const std::string& key) override {
    const auto text = run_sync(get(folder_->buckets(), key));
    return text ? *text : "(none)";
  }

 private:
  Folder folder_{[] { return at_second(1'700'000'000); }};
};

template <class Port, class Subject>
std::unique_ptr<Port> make() {
  return std::make_unique<Subject>();
}

}  // namespace

void PrintTo(const Subjects& subjects, std::ostream* out) { *out << subjects.name; }

std::vector<Subjects> all_subjects() {
  return {{.name = "Fake",
           .bucket_store = make<BucketStoreSubject, FakeBuckets>,
           .outbox = make<OutboxSubject, FakeEvents>,
           .ledger = make<LedgerSubject, FakeSent>,
           .alarm_store = make<AlarmStoreSubject, FakeAlarms>,
           .access_log_journal = make<AccessLogJournalSubject, FakeJournal>},
          {.name = "Sqlite",
           .bucket_store = make<BucketStoreSubject, SqliteBuckets>,
           .outbox = make<OutboxSubject, SqliteEvents>,
           .ledger = make<LedgerSubject, SqliteSent>,
           .alarm_store = make<AlarmStoreSubject, SqliteAlarms>,
           .access_log_journal = make<AccessLogJournalSubject, SqliteJournal>}};
}

}  // namespace s3link::contract
