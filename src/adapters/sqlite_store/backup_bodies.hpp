#pragma once

#include <filesystem>
#include <string_view>

#include "adapters/sqlite_store/backup.hpp"
#include "adapters/sqlite_store/backup_pulse.hpp"
#include "adapters/sqlite_store/connection.hpp"

namespace s3link::sqlite_store {

/// The folder objects/ of a backup. `database` is open on the backup's own copy.

/// The end of a file's name while it is copied.
inline constexpr std::string_view kBackupDraft = ".partial";

/// Copies every body file that the database names and the target has not. On return all of them, and their names, are
/// on the disk. False: a file is gone, and so is its row in the data folder's own database, `now`: the copied database
/// is not of a moment whose files are all there. Errors: transient (disk full), internal (I/O),
/// conflict (the server broke the backup off).
Result<bool> copy_bodies(Connection& database, Connection& now, const Backup& backup, const BackupHooks& hooks,
                         BackupPulse& pulse, BackupReport& report);

/// Removes what the database does not name, and what an interrupted run left. Errors: internal (I/O).
Status prune_bodies(Connection& database, const Backup& backup, BackupReport& report);

}  // namespace s3link::sqlite_store
