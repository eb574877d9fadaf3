#include "adapters/sqlite_store/cleaner.hpp"

#include <chrono>
#include <set>
#include <vector>

namespace s3link::sqlite_store {
namespace {

constexpr std::int64_t kRowsAtATime = 256;
/// How often a backup is asked whether it is over, and the files whether they can be reached again.
constexpr auto kPause = std::chrono::milliseconds(500);
/// How often the backups are looked at.
constexpr auto kLook = std::chrono::seconds(1);

struct Garbage {
  std::int64_t row = 0;
  std::int64_t body_set = 0;
  BodyId file{};
};

Result<std::vector<Garbage>> read_garbage(Connection& db, std::int64_t after) {
  std::vector<Garbage> found;
  Query rows = db.query("SELECT id, body_set, file FROM garbage WHERE id>?1 ORDER BY id LIMIT ?2", after, kRowsAtATime);
  while (rows.next()) {
    Garbage garbage{.row = rows.integer(0), .body_set = rows.integer(1)};
    const std::string_view id = rows.bytes(2);
    if (id.size() != garbage.file.size()) return fail(ErrorKind::corrupt, "a row of garbage names no file");
    std::copy(id.begin(), id.end(), garbage.file.begin());
    found.push_back(garbage);
  }
  return found;
}

}  // namespace

void Cleaner::start() {
  thread_ = std::thread([this] { work(); });
}

void Cleaner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Cleaner::wake() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  woken_.notify_one();
}

void Cleaner::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool again = backup_runs_ || failed_;
    woken_.wait_for(lock, again ? kPause : kLook, [&] { return stopping_ || (!again && (wanted_ || backup_runs_)); });
    if (stopping_) return;
    lock.unlock();
    look_at_backups();
    lock.lock();
    if (!wanted_ && !backup_runs_ && !failed_) continue;
    wanted_ = false;
    backup_runs_ = false;
    lock.unlock();
    const Status done = pass();
    lock.lock();
    failed_ = !done;  // what is left stays in the table
  }
}

void Cleaner::look_at_backups() {
  const std::lock_guard passing(passing_);  // which may hold the backups' lock
  backups_.look(BackupWatch::Clock::now());
}

Status Cleaner::pass() {
  const std::lock_guard passing(passing_);
  const Status done = pass_over_garbage();
  if (done || done.error().kind != ErrorKind::conflict) return done;
  wait_for_backup();
  return {};
}

void Cleaner::wait_for_backup() {
  {
    const std::lock_guard lock(mutex_);
    backup_runs_ = true;
  }
  woken_.notify_one();
}

/// Errors: conflict (a backup is being made), and those of the files and the queue.
Status Cleaner::pass_over_garbage() {
  std::int64_t last = 0;
  while (!stopping_) {
    const auto found = readers_.read([last](Connection& db) { return read_garbage(db, last); });
    if (!found) return std::unexpected(found.error());
    if (found->empty()) return {};
    last = found->back().row;
    const auto no_backup = backups_.try_exclude();
    if (!no_backup) return std::unexpected(no_backup.error());

    std::vector<std::int64_t> gone;
    std::set<FolderNumber> folders;
    for (const Garbage& garbage : *found) {
      if (sets_.in_use(garbage.body_set) || !files_.unlink(garbage.file)) continue;
      gone.push_back(garbage.row);
      folders.insert(folder_of(garbage.file));
    }
    // The rows go only when the names are gone for good: a power cut must not bring a file back that nothing knows.
    for (const FolderNumber folder : folders) {
      const auto synced = files_.sync_folder(folder);
      if (!synced) return synced;
    }
    if (gone.empty()) continue;
    const Status forgotten = queue_.run_and_wait([gone = std::move(gone)](WriteTransaction& transaction) {
      for (const std::int64_t row : gone) transaction.db().run("DELETE FROM garbage WHERE id=?1", row);
      return Status{};
    });
    if (!forgotten) return forgotten;
  }
  return {};
}

}  // namespace s3link::sqlite_store
