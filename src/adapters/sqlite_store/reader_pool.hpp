#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/row_seal.hpp"

namespace s3link::sqlite_store {

/// Read-only connections: one for each thread that reads at the moment, made when needed and kept.
/// Thread safety: any number of calls at a time.
class ReaderPool {
 public:
  /// `seals` must outlive it.
  ReaderPool(std::filesystem::path file, const char* vfs, const RowSeals& seals)
      : file_(std::move(file)), vfs_(vfs), seals_(seals) {}

  /// A reader keeps the log from being cut, so none may take longer.
  static constexpr std::chrono::seconds kMostTime{30};

  /// Runs `work(Connection&) -> Result<T>` in one read transaction, on the calling thread: it sees one commit's state.
  /// Errors: those of `work`; transient (it took longer than kMostTime).
  template <class Work>
  std::invoke_result_t<Work&, Connection&> read(Work work) {
    auto taken = take();
    if (!taken) return std::unexpected(std::move(taken.error()));
    Connection& db = **taken;
    db.limit_time(std::chrono::steady_clock::now() + kMostTime);
    db.run("BEGIN");
    auto result = work(db);
    if (db.ok()) db.run("COMMIT");
    if (!db.ok()) return std::unexpected(db.error());  // the connection, in an unknown state, is closed
    give_back(std::move(*taken));
    return result;
  }

 private:
  static constexpr std::size_t kMostKept = 8;

  Result<std::unique_ptr<Connection>> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    auto opened = Connection::open(file_, Connection::Mode::reader, vfs_);
    if (opened) seals_.add_to(**opened);
    return opened;
  }

  void give_back(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMostKept) idle_.push_back(std::move(connection));
  }

  const std::filesystem::path file_;
  const char* const vfs_;
  const RowSeals& seals_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace s3link::sqlite_store
