#pragma once

#include <string>
#include <string_view>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/package_cipher.hpp"

namespace s3link::sqlite_store {

/// The row `key_check` of `meta` (docs/formats/store.md): says under which master key the database's data keys are.

/// Empty: none yet, or the connection has failed.
std::string read_key_check(Connection& db);
/// A new one for that master key.
std::string make_key_check(const KeyWrap& keys);
/// Whether it was made with that master key.
bool opens_key_check(const KeyWrap& keys, std::string_view key_check);

}  // namespace s3link::sqlite_store
