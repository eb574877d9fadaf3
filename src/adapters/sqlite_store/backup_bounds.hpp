#pragma once

#include <chrono>

namespace s3link::sqlite_store {

/// How long a backup may keep a server from removing files (docs/formats/store.md, "Backups").
struct BackupBounds {
  std::chrono::seconds max_pause = std::chrono::minutes(5);  ///< without getting further
  std::chrono::seconds max_time = std::chrono::hours(24);    ///< altogether
};

}  // namespace s3link::sqlite_store
