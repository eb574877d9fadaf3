#pragma once

#include <atomic>
#include <string>

namespace s3link::sqlite_store {

/// A SQLite VFS over the default one, where a chosen write, sync or truncation fails. One at a time: its counters are
/// the process's.
class FaultyVfs {
 public:
  enum class Fault {
    none,
    full_once,     ///< the chosen call finds no space
    full_onwards,  ///< it and all writes after it
    sync_once,     ///< the chosen call is the first whose sync fails: earlier ones are let through, writes too
    io_onwards     ///< the disk is gone from there on
  };

  FaultyVfs(Fault fault, int chosen);
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;
  ~FaultyVfs();

  static const char* name();
  /// Calls so far that change something.
  static int calls();
  static bool failed();
};

}  // namespace s3link::sqlite_store
