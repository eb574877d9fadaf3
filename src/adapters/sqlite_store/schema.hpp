#pragma once

#include "adapters/sqlite_store/connection.hpp"

namespace s3link::sqlite_store {

/// The version this program writes; docs/formats/store.md draws it.
inline constexpr std::int64_t kSchemaVersion = 1;

/// Turns the log on, and creates or migrates the tables, in one transaction.
/// Errors: conflict (a newer version, or another program's database), corrupt, transient, internal.
Status prepare_schema(Connection& writer);

}  // namespace s3link::sqlite_store
