#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "core/base/result.hpp"

namespace s3link::sqlite_store {

/// Exchanges the master key: every data key is opened with the old one and wrapped with a new one; bodies stay as they
/// are. How a crash at any point is survived: docs/formats/store.md, "Another master key".

struct KeyRotation {
  std::filesystem::path data_dir;
  std::filesystem::path key_file;  ///< symbolic links are followed
};

/// What was reached; each is durable when it is told.
enum class RotationStep {
  key_saved,    ///< the new key is in key_file.new
  key_wrapped,  ///< one more data key, in a transaction that is not committed yet
  committed,    ///< the database is under the new key
  log_cut,      ///< nothing wrapped with the old key is left in the database's files
  finished      ///< the old key is overwritten, the new one in its place
};

struct RotationHooks {
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = {};  ///< data keys; may be empty
  std::function<void(RotationStep)> reached = {};                              ///< for tests; may be empty
  const char* sqlite_vfs = nullptr;                                            ///< for tests; null: the default
};

struct RotationReport {
  std::uint64_t data_keys = 0;    ///< under the new key
  std::uint64_t unreadable = 0;   ///< did not open under the old one (damage), and were left as they are
  bool finished_earlier = false;  ///< only ended what an interrupted run had committed
};

/// Takes the folder's lock. One transaction, of bounded memory; the log grows by about what the table of bodies holds.
/// A failure before the commit leaves the old key in force, one after it the new one; either way the folder opens, and
/// running it again finishes.
/// Errors: conflict (a server or a backup has the folder; a newer version's database), not_found (no data folder, no
/// key), denied (not the folder's key; the folder is another user's), transient (disk full), corrupt, internal (I/O).
Result<RotationReport> rotate_master_key(const KeyRotation& rotation, const RotationHooks& hooks = {});

/// At the start of a server, before the key is read: ends what an interrupted rotation left, or removes its new key
/// when it had not come to its commit. Nothing to do, and no lock taken, where there is no key_file.new or no database.
/// While a backup is made, the new key is put in its place if it is the folder's, and else stays for the next start.
/// Errors: as above, less the backup's; denied when neither file is the folder's key.
Status settle_master_key(const KeyRotation& rotation);

}  // namespace s3link::sqlite_store
