#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "adapters/sqlite_store/backup_lock.hpp"
#include "core/base/result.hpp"

namespace s3link::sqlite_store {

struct DatabaseCopy {
  std::filesystem::path from;
  std::filesystem::path to;  ///< a new file
  /// By way of a file beside `from`: no read transaction waits for the disk of `to`.
  bool staged = true;
  /// The copy gets further, in pages; it ends with the error of this.
  std::function<Status(std::uint64_t done, std::uint64_t total)> went_on;
};

/// Copies the database as of one moment, while others write to it, into a new file that needs no log beside it. Not
/// synced. The lock says when the database is read. Errors: transient (disk full), corrupt, internal (I/O).
Status copy_database(const DatabaseCopy& copy, const BackupLock& lock);

}  // namespace s3link::sqlite_store
