#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "core/base/result.hpp"

namespace s3link::sqlite_store {

/// data_dir/backup.lock (flock(2)): while a backup holds it, no body file is unlinked, so that every file the backup's
/// database names is there to be copied. The kernel lets go of it however the process ends.
///
/// A backup that gets no further may be unable to let go, or to hear anything (SIGSTOP, a disk that does not answer).
/// So the server has the last word: it puts a new file in the place of the one that the backup holds (replace()). From
/// then on the lock is free, and the backup finds that it has none (check()).
///
/// Record locks (fcntl(2)) on the same file say who: byte 0 is held with the lock, byte 1 while the backup reads the
/// server's database. Modification time: when the backup last got further.
/// Thread safety: one thread at a time, but for check() and touch().
class BackupLock {
 public:
  /// Lets go at the end of its life, which is before the lock's.
  class Hold {
   public:
    Hold(Hold&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Hold& operator=(Hold&&) = delete;
    ~Hold();

   private:
    friend class BackupLock;
    explicit Hold(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
  };

  /// Says that the database is read, for as long as it lives.
  class Reading {
   public:
    explicit Reading(const BackupLock& lock);
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    ~Reading();

   private:
    const int descriptor_;
  };

  /// Opens the file, or makes it. Errors: transient (disk full), internal (I/O).
  static Result<BackupLock> open(const std::filesystem::path& data_dir);

  BackupLock(BackupLock&& other) noexcept
      : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  BackupLock& operator=(BackupLock&&) = delete;
  ~BackupLock();

  /// For a backup: shared with other backups; waits for who unlinks, or changes the master key. Errors: internal (I/O).
  Result<Hold> share();
  /// For a backup that holds it: whether it still does. Errors: conflict (the server broke the backup off; the message
  /// says why).
  Status check() const;
  /// For a backup that holds it: it got further.
  void touch() const noexcept;

  /// For who unlinks: at once. Errors: conflict (a backup is being made), internal (I/O).
  Result<Hold> try_exclude();

  // What the server knows of the backup that holds it.

  /// Something that is another whenever the backup got further.
  std::uint64_t progress() const noexcept;
  /// Process of the backup; 0: unknown (an older version, or outside of this container).
  pid_t holder() const noexcept;
  /// Whether one reads the database just now, and which process that is (0: unknown).
  bool reads() const noexcept;
  pid_t reader() const noexcept;
  /// Whether nobody holds it.
  bool is_free();
  /// Takes the lock from whoever holds it and tells him `why`. Returns the old lock. Errors: transient (disk full),
  /// internal (I/O): nothing has changed.
  Result<BackupLock> replace(const std::string& why);
  /// Puts up with a file that somebody removed or replaced.
  void follow_name();

 private:
  BackupLock(std::filesystem::path file, int descriptor) : file_(std::move(file)), descriptor_(descriptor) {}
  Result<Hold> take(int operation);
  bool has_its_name() const noexcept;

  std::filesystem::path file_;
  int descriptor_;
};

}  // namespace s3link::sqlite_store
