#include "adapters/sqlite_store/commit_queue.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace s3link::sqlite_store {
namespace {

/// More than this would make the first request of a group wait for too long.
constexpr std::size_t kLargestGroup = 1000;

/// Failures of one statement that leave the transaction and the file as they were.
bool concerns_one_request(int code) noexcept {
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_CORRUPT:  // what the request asked for is damaged; that is no reason to refuse the others
      return true;
    default:
      return false;
  }
}

}  // namespace

CommitQueue::CommitQueue(Connection& writer, Health& health, StoreMeter& meter, std::uint64_t next_number)
    : db_(writer), health_(health), meter_(meter), next_number_(next_number), saved_number_(next_number) {}

void CommitQueue::start() {
  thread_ = std::thread([this] { work(); });
}

void CommitQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  waiting_.notify_one();
  if (thread_.joinable()) thread_.join();
}

CommitQueue::Counters CommitQueue::counters() const noexcept {
  return {.transactions = transactions_.load(std::memory_order_relaxed),
          .requests = requests_.load(std::memory_order_relaxed),
          .largest_group = largest_group_.load(std::memory_order_relaxed)};
}

void CommitQueue::add(std::unique_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
  }
  waiting_.notify_one();
}

void CommitQueue::work() {
  int log_pages = 0;
  sqlite3_wal_hook(
      db_.handle(),
      [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
      },
      &log_pages);
  Group group;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      waiting_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) break;
      const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), kLargestGroup));
      group.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.begin() + count));
      queue_.erase(queue_.begin(), queue_.begin() + count);
    }
    log_pages = 0;
    commit(group);
    for (const auto& job : group) job->deliver();
    group.clear();
    if (log_pages > 0 && listeners_.log_grown) listeners_.log_grown(log_pages);
  }
  sqlite3_wal_hook(db_.handle(), nullptr, nullptr);
}

void CommitQueue::commit(Group& group) {
  if (const Status may = health_.may_commit(); !may) {
    for (const auto& job : group) job->fail_with(may.error());
    return;
  }
  WriteTransaction transaction(db_, next_number_);
  const Status done = run_group(group, transaction);
  db_.clear_error();
  if (!done) {
    meter_.failed_transactions.fetch_add(1, std::memory_order_relaxed);
    for (const auto& job : group) job->fail_with(done.error());
    return;
  }
  meter_.batches.observe(group.size());
  transactions_.fetch_add(1, std::memory_order_relaxed);
  requests_.fetch_add(group.size(), std::memory_order_relaxed);
  largest_group_.store(std::max<std::uint64_t>(largest_group_.load(std::memory_order_relaxed), group.size()),
                       std::memory_order_relaxed);
  for (CommitParticipant* const participant : transaction.participants_) participant->committed();
  if (transaction.added_outbox_entry_ && listeners_.new_outbox_entry) listeners_.new_outbox_entry();
  if (transaction.changed_dead_letters_ && listeners_.dead_letters_changed) listeners_.dead_letters_changed();
  if (transaction.added_garbage_ && listeners_.new_garbage) listeners_.new_garbage();
}

Status CommitQueue::run_group(Group& group, WriteTransaction& transaction) {
  db_.run("BEGIN IMMEDIATE");
  if (!db_.ok()) return std::unexpected(db_.error());
  Status done;
  for (const auto& job : group) {
    done = run_one(*job, transaction);
    if (!done) break;
  }
  if (done && next_number_ != saved_number_) {
    db_.run("UPDATE meta SET value=?1 WHERE name='next_number'", next_number_);
    if (!db_.ok()) done = std::unexpected(db_.error());
  }
  bool unknown = false;
  if (done) {
    {
      const Stopwatch watch(meter_.commits);
      db_.run("COMMIT");
    }
    if (db_.ok()) {
      saved_number_ = next_number_;
      return {};
    }
    done = std::unexpected(db_.error());
    unknown = !is_disk_full(db_.code()) && !is_busy(db_.code());
  }
  if (unknown || is_failed_sync(db_.code())) {
    health_.refuse_writes("a commit failed: " + db_.error().message);
    for (CommitParticipant* const participant : transaction.participants_) participant->outcome_unknown();
  }
  if (is_disk_full(db_.code())) health_.note_disk_full();
  db_.clear_error();
  if (db_.in_transaction()) db_.run("ROLLBACK");
  if (!db_.ok()) health_.refuse_writes("a transaction could not be undone: " + db_.error().message);
  return done;
}

/// An index holds nothing that its table does not. The next try of the request finds it whole.
void CommitQueue::rebuild_indexes() {
  db_.run("REINDEX");
  if (db_.ok()) return;
  db_.clear_error();
  db_.run("ROLLBACK TO request");
}

/// An error means that the whole group has failed.
Status CommitQueue::run_one(Job& job, WriteTransaction& transaction) {
  const std::size_t participants = transaction.participants_.size();
  db_.run("SAVEPOINT request");
  bool keep = job.run(transaction);
  const bool index_damaged = is_damaged_index(db_.code());
  if (!db_.ok()) {
    const Error error = db_.error();
    if (!concerns_one_request(db_.code()) || !db_.in_transaction()) return std::unexpected(error);
    db_.clear_error();
    job.fail_with(error);
    keep = false;
  }
  if (!keep) {
    transaction.participants_.resize(participants);
    db_.run("ROLLBACK TO request");
  }
  if (index_damaged) rebuild_indexes();
  db_.run("RELEASE request");
  if (!db_.ok()) return std::unexpected(db_.error());
  return {};
}

}  // namespace s3link::sqlite_store
