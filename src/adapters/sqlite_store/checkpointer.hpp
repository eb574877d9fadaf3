#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/health.hpp"

namespace s3link::sqlite_store {

/// Writes the log back into the database on a thread and connection of its own, so that no commit waits for it:
/// whenever the log has grown by some megabytes, and once more, cutting it to nothing, when no commit has come for a
/// second. The latter also takes removed keys out of the log. Sleeps when there is nothing to do.
class Checkpointer {
 public:
  static constexpr int kPagesToWriteBack = 2000;  ///< 8 MiB

  /// `health` must outlive it. `pages_to_write_back`: when the log counts as grown.
  Checkpointer(std::unique_ptr<Connection> connection, Health& health, int pages_to_write_back)
      : connection_(std::move(connection)), health_(health), pages_to_write_back_(pages_to_write_back) {}
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;
  ~Checkpointer() { stop(); }

  void start();
  void stop();
  /// After each commit, from the writer's thread.
  void log_grown(int pages);

 private:
  void work();
  bool checkpoint(int mode);

  std::unique_ptr<Connection> connection_;
  Health& health_;
  const int pages_to_write_back_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int log_pages_ = 0;
  bool commit_came_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace s3link::sqlite_store
