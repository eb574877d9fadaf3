#pragma once

#include <filesystem>

#include "adapters/sqlite_store/backup.hpp"
#include "adapters/sqlite_store/connection.hpp"

namespace s3link::sqlite_store {

/// The folder objects/ of a backup. `database` is open on the backup's own copy.

/// Copies every body file that the database names and the target has not. On return all of them, and their names, are
/// on the disk. Errors: transient (disk full), internal (I/O).
Status copy_bodies(Connection& database, const Backup& backup, const BackupHooks& hooks, BackupReport& report);

/// Removes what the database does not name, and what an interrupted run left. Errors: internal (I/O).
Status prune_bodies(Connection& database, const Backup& backup, BackupReport& report);

}  // namespace s3link::sqlite_store
