#pragma once

#include <atomic>
#include <string>

namespace s3link::sqlite_store {

/// A SQLite VFS over the default one, where a chosen read, write, sync or truncation fails. One at a time: its counters
/// are the process's.
class FaultyVfs {
 public:
  enum class Fault {
    none,
    full_once,     ///< the chosen call finds no space
    full_onwards,  ///< it and all writes after it
    sync_once,     ///< the chosen call is the first whose sync fails: earlier ones are let through, writes too
    io_onwards,    ///< the disk is gone from there on
    read_once,     ///< the chosen read, which is counted by itself, fails
    read_onwards   ///< it and all reads after it
  };

  FaultyVfs(Fault fault, int chosen);
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;
  ~FaultyVfs();

  static const char* name();
  /// Calls so far that change something.
  static int calls();
  /// Reads so far.
  static int reads();
  /// From now on nothing fails.
  static void repair();
  static bool failed();
};

}  // namespace s3link::sqlite_store
