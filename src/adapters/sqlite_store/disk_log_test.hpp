#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace s3link::sqlite_store {

/// Everything that was done to the files of one folder, in order, and what a power cut after any of it may leave.
///
/// The model is leveldb's fault_injection_test with SQLite's crash tests: a file has the contents as of its last sync
/// and the writes since, a folder the names as of its last sync and the changes since. What is not synced may be there
/// or not, each write and each change of a name by itself.
/// Thread safety: one thread at a time.
class DiskLog {
 public:
  /// A file, whatever it is called: a name may be given to another one later.
  using File = std::size_t;
  /// Paths are relative to the folder. The empty one is the folder itself.
  using Path = std::string;

  /// What is in `folder` now counts as synced.
  explicit DiskLog(const std::filesystem::path& folder);

  File create(Path path);
  void make_folder(Path path);
  void unlink(const Path& path);
  void write(File file, std::uint64_t offset, std::span<const std::byte> data);
  void truncate(File file, std::uint64_t size);
  void sync(File file);
  /// The file's unsynced writes have left the page cache: no later sync brings them to the disk (fsyncgate).
  void sync_failed(File file);
  void sync_folder(Path path);

  /// The file that has that name now. Only when there is one.
  File find(const Path& path) const { return names_.at(path); }
  const Path& name_of(File file) const { return called_.at(file); }
  bool has(const Path& path) const { return names_.contains(path); }

  /// Entries so far: "after k" means that entries 0 to k - 1 were done.
  std::size_t size() const noexcept { return entries_.size(); }
  /// Whether a power cut before that entry and one after it differ if all that is unsynced is dropped.
  bool is_sync(std::size_t entry) const;
  /// For a person: "write s3link.db-wal 4096+24".
  std::string describe(std::size_t entry) const;

  /// What becomes of the unsynced.
  enum class Loss {
    dropped,    ///< nothing of it is there
    reordered,  ///< each write and each name is there or not
    torn,       ///< the same, and of a write some sectors, or the bytes up to some place
    garbage     ///< files have grown, but what was appended is in parts zeros or other bytes; names are there
  };
  static constexpr Loss kLosses[] = {Loss::dropped, Loss::reordered, Loss::torn, Loss::garbage};

  struct Cut {
    std::size_t after = 0;
    Loss loss = Loss::dropped;
    std::uint64_t seed = 0;
  };
  /// Makes `target`, an empty folder, what is found after the power came back. The same cut gives the same.
  void leave(const Cut& cut, const std::filesystem::path& target) const;

 private:
  enum class Kind { create, make_folder, unlink, write, truncate, sync, sync_failed, sync_folder };
  struct Entry {
    Kind kind;
    Path path;  ///< of the name, or for a person
    File file = 0;
    std::uint64_t offset = 0;  ///< or the size
    std::string data;
  };
  static constexpr File kFolder = static_cast<File>(-1);
  class Replay;

  void add(Entry entry) { entries_.push_back(std::move(entry)); }

  std::vector<Entry> entries_;
  std::map<Path, File> names_;  ///< as the running program sees them; folders are kFolder
  std::vector<Path> called_;    ///< each file's name when it was made
  std::map<Path, File> first_names_;
  std::vector<std::string> first_contents_;
};

std::string_view to_string(DiskLog::Loss loss);

}  // namespace s3link::sqlite_store
