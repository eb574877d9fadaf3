#pragma once

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/sqlite_store/disk_log_test.hpp"
#include "adapters/sqlite_store/file_system.hpp"
#include "adapters/sqlite_store/store_hooks.hpp"

namespace s3link::sqlite_store {

/// One disk under the whole of a store: the body files and the folders by the store's port, the database and its log by
/// a SQLite VFS. Calls go through to real files in `folder`, where nothing is really synced, and are written down, so
/// that a power cut after any of them can be played afterwards. Chosen calls fail.
///
/// Not played: `lock`, which means nothing after a crash, and the shared memory beside the log (-shm), which SQLite
/// builds again from the log.
/// Thread safety: any number of calls at a time. Must outlive the stores over it.
class SimulatedDisk final : public FileSystem {
 public:
  enum class Fails {
    nothing,
    sync,   ///< with EIO; what was to be synced is lost from the page cache, though reads still see it
    space,  ///< with ENOSPC, whatever needs any: a write does so half-way
  };
  struct Fault {
    Fails what = Fails::nothing;
    std::uint64_t first = 0;  ///< number, from 0, of the sync or write
    bool lasting = false;     ///< those after it fail, too
  };

  SimulatedDisk(std::filesystem::path folder, Fault fault);
  explicit SimulatedDisk(std::filesystem::path folder) : SimulatedDisk(std::move(folder), Fault{}) {}
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;
  ~SimulatedDisk() override;

  /// For Store::open. `now` as there.
  StoreHooks hooks(std::function<Instant()> now);

  /// From now on nothing fails.
  void repair();
  /// The next sync of that file fails.
  void fail_next_sync_of(DiskLog::Path path);
  /// Until thaw() nothing changes the disk any more: every call that would fails.
  void freeze();
  void thaw();
  bool failed() const;
  std::uint64_t syncs() const;   ///< so far; a folder's count, too
  std::uint64_t writes() const;  ///< so far, and creations

  /// Entries in the log so far.
  std::size_t position() const;
  /// As DiskLog's, while the store runs.
  void leave(const DiskLog::Cut& cut, const std::filesystem::path& target) const;
  /// Only while nothing runs over the disk.
  const DiskLog& log() const noexcept { return log_; }
  /// Waits until `state()` holds, looking after each change of the disk. False: it does not within `most`, which is for
  /// tests that fail.
  bool wait_until(const std::function<bool()>& state, std::chrono::seconds most = std::chrono::seconds(20)) const;
  /// Something is written to it, or to one that has its name, behind that entry.
  bool wait_until_written(const DiskLog::Path& path, std::size_t after) const;
  bool wait_until_file_is_empty(const DiskLog::Path& path) const;

  int create(const std::string& path, int& descriptor) override;
  int open(const std::string& path, int& descriptor) override;
  void close(int descriptor) override;
  int write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> data) override;
  int read_at(int descriptor, std::uint64_t offset, std::span<std::byte> out, bool cached_only,
              std::size_t& length) override;
  int sync_data(int descriptor) override;
  int unlink(const std::string& path) override;
  int make_folder(const std::string& path) override;
  int sync_folder(const std::string& path) override;
  int list_folder(const std::string& path, const std::function<void(std::string_view)>& each) override;
  int free_bytes(const std::string& path, std::uint64_t& bytes) override;

 private:
  friend struct DatabaseFile;
  struct Vfs;

  DiskLog::Path relative(const std::string& path) const;
  /// With mutex_ held: 0, or why this one fails.
  int next_write();
  int next_sync(const DiskLog::Path& path);
  int other_change() const { return frozen_ ? EIO : 0; }
  bool hits(Fails what, std::uint64_t number);
  bool full() const;
  void changed() const { changed_.notify_all(); }

  FileSystem& real_ = real_file_system();
  const std::filesystem::path folder_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Fault fault_;
  DiskLog::Path doomed_;  ///< the next sync of it fails; empty: of none
  bool failed_ = false;
  bool frozen_ = false;
  std::uint64_t syncs_ = 0;
  std::uint64_t writes_ = 0;
  DiskLog log_;
  std::map<int, DiskLog::File> open_;
  std::unique_ptr<Vfs> vfs_;
};

}  // namespace s3link::sqlite_store
