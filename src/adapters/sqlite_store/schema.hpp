#pragma once

#include "adapters/sqlite_store/connection.hpp"

namespace s3link::sqlite_store {

/// The version this program writes; docs/formats/store.md draws it.
inline constexpr std::int64_t kSchemaVersion = 5;
/// From this version on rows carry seals (row_seal.hpp).
inline constexpr std::int64_t kFirstSealedVersion = 5;

/// The row of `meta` that a database gets which is opened for the first time after it was copied out of a backup, until
/// its folder was looked through (BodyFiles::sweep_restored).
inline constexpr const char* kRestoredMark = "restored";

/// Turns the log on, and creates or migrates the tables, in one transaction. `wanted`: an older version, for tests of
/// the migration. The connection has the seals of the right master key (row_seal.hpp): version 5 seals what is there.
/// Errors: conflict (a newer version, or another program's database), corrupt, transient, internal.
Status prepare_schema(Connection& writer, std::int64_t wanted = kSchemaVersion);

}  // namespace s3link::sqlite_store
