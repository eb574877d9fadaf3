#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "adapters/sqlite_store/commit_queue.hpp"
#include "adapters/sqlite_store/file_system.hpp"
#include "adapters/sqlite_store/health.hpp"
#include "adapters/sqlite_store/meter.hpp"
#include "adapters/sqlite_store/package_cipher.hpp"
#include "adapters/sqlite_store/work_pool.hpp"

namespace s3link::sqlite_store {

class BodyFiles;

/// What the first start after a restore found in the folder.
struct RestoredFolder {
  std::uint64_t unnamed_files = 0;  ///< that no row named; removed
  std::uint64_t missing_files = 0;  ///< that a row names and nobody finds: their objects cannot be read
};

/// The first two bytes of a body id: the folder its file is in.
using FolderNumber = std::uint16_t;
inline FolderNumber folder_of(const BodyId& id) noexcept { return static_cast<FolderNumber>((id[0] << 8) | id[1]); }

/// A body file that no row names yet. Unlinked when destroyed before a commit has made it visible.
class PendingFile final : public CommitParticipant {
 public:
  PendingFile(BodyFiles& files, const BodyId& id, FileHandle handle)
      : files_(files), id_(id), handle_(std::move(handle)) {}
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  ~PendingFile() override;

  const BodyId& id() const noexcept { return id_; }
  /// Blocks. Errors: transient (no space), internal.
  Status write_at(std::uint64_t offset, std::span<const std::byte> data);
  /// Blocks: bytes and name are on the disk on return, and the file is closed.
  Status sync();

  void committed() noexcept override;
  void outcome_unknown() noexcept override;

 private:
  BodyFiles& files_;
  const BodyId id_;
  FileHandle handle_;
  bool settled_ = false;
};

/// The files below objects/: where they are, and which of them may be without a row (docs/formats/store.md, "Files
/// without a row"). Calls that touch the disk block. Thread safety: any number of calls at a time.
class BodyFiles {
 public:
  /// All must outlive it.
  BodyFiles(FileSystem& files, std::string data_dir, CommitQueue& queue, Health& health, StoreMeter& meter,
            WorkPool& pool);

  /// Before the store is used: removes the files an interrupted run left without a row.
  Status sweep(Connection& writer);

  /// The same for a folder that was copied out of a backup, which may hold files without a row anywhere: looks through
  /// all of it. Nullopt: it was not. Its memory does not depend on the number of files.
  Result<std::optional<RestoredFolder>> sweep_restored(Connection& writer);

  /// Before the queue stops: leaves nothing for the next start to look through.
  void close_current_folder();

  /// A new file in the current folder.
  Result<std::unique_ptr<PendingFile>> create();
  /// Errors: not_found (unlinked meanwhile), corrupt (not a body file, or a newer version), internal.
  Result<FileHandle> open(const BodyId& id);
  /// A file that is not there is no error.
  Status unlink(const BodyId& id);
  /// Returns when everything done in the folder before the call is on the disk; concurrent calls share one sync.
  Status sync_folder(FolderNumber folder);

  /// Does with a file of its own what an upload does with its: makes it where the next one goes, writes, syncs, reads
  /// it back by its name, unlinks it. Errors: transient (no inodes, no descriptors, the folder is away), internal. One
  /// call at a time.
  Status probe();
  /// Whether the rights at that file, which may be gone, let it be read. Errors: internal.
  Status probe_rights(const BodyId& id);

  FileSystem& system() noexcept { return files_; }
  Error io_error(const char* what, int number);

 private:
  friend class PendingFile;

  struct OpenFolder {
    unsigned unsettled = 0;  ///< files neither committed nor unlinked
    unsigned created = 0;
  };
  struct FolderSync {
    std::uint64_t asked = 0;
    std::uint64_t done = 0;
    bool running = false;
    unsigned users = 0;
  };

  std::string folder_path(FolderNumber folder) const;
  std::string file_path(const BodyId& id) const;
  Result<FileHandle> create_probe(std::string& path);
  Status write_probe(const FileHandle& file, const std::string& path);
  Result<FolderNumber> reserve();
  Status open_new_folder();
  Status make_folders(FolderNumber folder);
  Status sync_path(const std::string& path);
  Status sweep_restored_folder(Connection& writer, FolderNumber folder, RestoredFolder& found);
  Status sweep_folder(Connection& writer, FolderNumber folder, const std::set<BodyId>& garbage);
  void settle(FolderNumber folder) noexcept;
  void discard(const BodyId& id) noexcept;
  void close_folder(FolderNumber folder);

  FileSystem& files_;
  const std::string root_;
  CommitQueue& queue_;
  Health& health_;
  StoreMeter& meter_;
  WorkPool& pool_;

  std::mutex opening_;  ///< held while a new folder is made; taken before mutex_
  std::mutex mutex_;
  std::map<FolderNumber, OpenFolder> open_folders_;
  std::optional<FolderNumber> current_;

  std::mutex sync_mutex_;
  std::condition_variable synced_;
  std::map<FolderNumber, FolderSync> syncs_;
};

}  // namespace s3link::sqlite_store
