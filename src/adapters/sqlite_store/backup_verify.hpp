#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"

namespace s3link::sqlite_store {

/// One thing that is wrong with a backup.
struct BackupDamage {
  std::string where;  ///< "file-exchange/report.pdf", as the key is; or "the database"
  std::string what;   ///< "a body file is missing"
};

struct VerifyHooks {
  std::function<void(std::uint64_t done, std::uint64_t total)> bodies = {};  ///< progress
  std::function<void(const BackupDamage&)> damaged = {};
};

struct VerifyReport {
  std::uint64_t bodies = 0;  ///< read to their ends: of objects, and of parts of unfinished uploads
  std::uint64_t bytes = 0;   ///< of their contents
  std::uint64_t damages = 0;
  bool later_one_broken_off = false;  ///< a backup was begun after this one, and did not end
};

/// Opens every body that the database of a backup, or of a data folder that no server runs on, names: decrypts all of
/// it and checks that it is whole; also SQLite's own check of the database. Changes nothing. Memory does not depend on
/// the number of objects. Errors: not_found (no backup), conflict (in use; made by a newer version), denied (not its
/// master key), internal (I/O).
Result<VerifyReport> verify_backup(const std::filesystem::path& folder, const Secret& master_key,
                                   const VerifyHooks& hooks = {});

}  // namespace s3link::sqlite_store
