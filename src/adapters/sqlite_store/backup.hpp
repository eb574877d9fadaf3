#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "adapters/sqlite_store/backup_bounds.hpp"
#include "core/base/result.hpp"

namespace s3link::sqlite_store {

/// A consistent copy of a data folder, made beside a running server or without one (docs/formats/store.md, "Backups").

struct Backup {
  std::filesystem::path data_dir;
  std::filesystem::path target;  ///< made (0700) where missing; empty, or an earlier backup of the same data folder
  BackupBounds bounds = {};
};

/// What was reached.
enum class BackupStep {
  database_copied,  ///< beside the one of the backup before
  body_copied,      ///< one more, under a name that does not count yet
  bodies_synced,    ///< all that the new database names are there
  database_in_place,
  pruned  ///< bodies that the new database does not name are gone
};

struct BackupHooks {
  std::function<void(std::uint64_t done, std::uint64_t total)> database = {};  ///< progress, in pages
  std::function<void(std::uint64_t done, std::uint64_t total)> bodies = {};    ///< progress, in files looked at
  std::function<void(BackupStep)> reached = {};                                ///< for tests
  /// Called once, from a thread of its own, when the backup has not got further for bounds.max_pause, or was broken off
  /// by the server: its thread may be in a call that never returns, so all that is left is to end the process. Empty:
  /// back_up() fails as soon as that call does return.
  std::function<void(const Error&)> stuck = {};
  /// What counts as free space of the data folder's disk; empty: what it says. For tests.
  std::function<std::uint64_t()> free_bytes = {};
};

struct BackupReport {
  std::uint64_t database_bytes = 0;
  std::uint64_t files = 0;         ///< bodies in files that the backup holds
  std::uint64_t copied_files = 0;  ///< of them were not in the target before
  std::uint64_t copied_bytes = 0;
  std::uint64_t removed_files = 0;  ///< of the backup before, removed since
  std::uint64_t damaged_files = 0;  ///< missing in the data folder, or not as long as they should be
};

/// First the database as of one moment after the call, then the bodies it names; the server unlinks none of them
/// meanwhile. The database is first copied to a file without a name in the data folder, if its disk has the space for
/// it, so that no read transaction waits for the target's disk. Should one be gone all the same, and its row in the
/// data folder, too, it begins anew. On return all is on the disk. Until the new database is in place the target holds
/// the backup before; broken off anywhere, the next run goes on. Memory does not depend on the number of objects.
/// Errors: not_found (no data folder), invalid_argument (the target is, or is in, the data folder), conflict (the
/// target is something else, another folder's backup, or in use; files go whatever is done; broken off by the server),
/// denied (the folder is another user's), transient (disk full), internal (I/O).
Result<BackupReport> back_up(const Backup& backup, const BackupHooks& hooks = {});

}  // namespace s3link::sqlite_store
