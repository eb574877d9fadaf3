#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "adapters/sqlite_store/body_files.hpp"
#include "adapters/sqlite_store/body_set.hpp"
#include "adapters/sqlite_store/commit_queue.hpp"
#include "adapters/sqlite_store/reader_pool.hpp"

namespace s3link::sqlite_store {

/// Unlinks the files of removed bodies after the commit that removed them: works off the table `garbage`, so a crash
/// forgets nothing. Files of sets that are being read wait until the reader is done.
/// Thread safety: any number of calls at a time.
class Cleaner {
 public:
  Cleaner(BodyFiles& files, OpenBodySets& sets, ReaderPool& readers, CommitQueue& queue)
      : files_(files), sets_(sets), readers_(readers), queue_(queue) {}
  Cleaner(const Cleaner&) = delete;
  Cleaner& operator=(const Cleaner&) = delete;
  ~Cleaner() { stop(); }

  void start();
  void stop();
  /// There is, or may be, something to unlink. Returns at once.
  void wake();
  /// Unlinks everything that can be by now; blocks. Ends early when stopped.
  Status pass();

 private:
  void work();

  BodyFiles& files_;
  OpenBodySets& sets_;
  ReaderPool& readers_;
  CommitQueue& queue_;

  std::mutex passing_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool wanted_ = false;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace s3link::sqlite_store
