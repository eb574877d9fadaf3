#pragma once

#include <functional>

#include "adapters/sqlite_store/file_system.hpp"
#include "core/base/instant.hpp"

namespace s3link::sqlite_store {

/// What a test may put in the place of the operating system.
struct StoreHooks {
  FileSystem* files = nullptr;       ///< null: the real one
  const char* sqlite_vfs = nullptr;  ///< name of a registered SQLite VFS; null: the default
  std::function<Instant()> now;      ///< decides whether an object's time is over; empty: the system's clock
  int log_pages_to_write_back = 0;   ///< Checkpointer's; 0: what it takes by itself
};

}  // namespace s3link::sqlite_store
