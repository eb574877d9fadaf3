#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/health.hpp"
#include "adapters/sqlite_store/meter.hpp"
#include "ports/logger.hpp"

namespace s3link::sqlite_store {

/// Writes the log back into the database on a thread and connection of its own, so that no commit waits for it:
/// whenever the log has grown by some megabytes, and once more, cutting it to nothing, when no commit has come for a
/// second. The latter also takes removed keys out of the log. Sleeps when there is nothing to do.
///
/// A log that has grown to several times that size is cut after every commit, while the writer waits. Where a reader
/// keeps it from being cut, Health says so, and the writer waits the longer the larger the log is; from a limit on
/// Health lets nothing be written any more, so that the log has a bound whatever readers do (docs/formats/store.md,
/// "How large the log becomes").
class Checkpointer {
 public:
  static constexpr int kPagesToWriteBack = 2000;  ///< 8 MiB
  // Sizes of the log, in times pages_to_write_back.
  static constexpr int kTimesToHoldWriter = 4;      ///< 32 MiB: cut while the writer waits
  static constexpr int kTimesToPress = 12;          ///< 96 MiB: the writer is slowed, a backup that hangs broken off
  static constexpr int kTimesToRefuseUploads = 16;  ///< 128 MiB
  static constexpr int kTimesToRefuseAll = 20;      ///< 160 MiB

  /// What is passed by reference must outlive it. `pages_to_write_back`: when the log counts as grown. `logger` may be
  /// null.
  Checkpointer(std::unique_ptr<Connection> connection, Health& health, StoreMeter& meter, ports::Logger* logger,
               int pages_to_write_back)
      : connection_(std::move(connection)),
        health_(health),
        meter_(meter),
        logger_(logger),
        pages_to_write_back_(pages_to_write_back) {}
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;
  ~Checkpointer() { stop(); }

  void start();
  void stop();
  /// After each commit, from the writer's thread. Holds it while a large log is cut.
  void log_grown(int pages);

 private:
  void work();
  bool write_back(int pages);
  bool checkpoint(int mode, std::chrono::milliseconds patience);
  std::chrono::milliseconds patience(int pages) const;
  void note(int pages, bool cut);
  int times(int factor) const { return factor * pages_to_write_back_; }

  std::unique_ptr<Connection> connection_;
  Health& health_;
  StoreMeter& meter_;
  ports::Logger* const logger_;
  const int pages_to_write_back_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable released_;
  int log_pages_ = 0;
  bool commit_came_ = false;
  bool writer_waits_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace s3link::sqlite_store
