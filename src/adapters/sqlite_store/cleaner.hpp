#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "adapters/sqlite_store/backup_watch.hpp"
#include "adapters/sqlite_store/body_files.hpp"
#include "adapters/sqlite_store/body_set.hpp"
#include "adapters/sqlite_store/commit_queue.hpp"
#include "adapters/sqlite_store/reader_pool.hpp"

namespace s3link::sqlite_store {

/// Unlinks the files of removed bodies after the commit that removed them: works off the table `garbage`, so a crash
/// forgets nothing. Files of sets that are being read wait until the reader is done, all files until no backup is being
/// made. Its thread also looks at backups each second.
/// Thread safety: any number of calls at a time.
class Cleaner {
 public:
  Cleaner(BodyFiles& files, OpenBodySets& sets, ReaderPool& readers, CommitQueue& queue, BackupWatch& backups)
      : files_(files), sets_(sets), readers_(readers), queue_(queue), backups_(backups) {}
  Cleaner(const Cleaner&) = delete;
  Cleaner& operator=(const Cleaner&) = delete;
  ~Cleaner() { stop(); }

  void start();
  void stop();
  /// There is, or may be, something to unlink. Returns at once.
  void wake();
  /// Unlinks everything that can be by now; blocks. Ends early when stopped, or when a backup begins: then the thread
  /// goes on after it.
  Status pass();

 private:
  void work();
  void look_at_backups();
  Status pass_over_garbage();
  void wait_for_backup();

  BodyFiles& files_;
  OpenBodySets& sets_;
  ReaderPool& readers_;
  CommitQueue& queue_;
  BackupWatch& backups_;

  std::mutex passing_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool wanted_ = false;
  bool backup_runs_ = false;
  bool failed_ = false;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace s3link::sqlite_store
