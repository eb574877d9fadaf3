#pragma once

#include <string>
#include <string_view>

#include "adapters/sqlite_store/connection.hpp"
#include "core/base/secret.hpp"

namespace s3link::sqlite_store {

/// The row `key_check` of `meta` (docs/formats/store.md): says under which master key the database's data keys and
/// seals are. Up to version 4 it was of another form, which nobody can make without the master key either: so a
/// database that has seals cannot be given out for an older one, whose rows would be sealed as they are.

/// Empty: none yet, or the connection has failed.
std::string read_key_check(Connection& db);
/// A new one for that master key, as it is since version 5.
std::string make_key_check(const Secret& master_key);
/// Whether it was made with that master key, in either form.
bool opens_key_check(const Secret& master_key, std::string_view key_check);

/// Before a database is migrated: whether it is under that master key. One that has no tables yet, or nothing in them,
/// is under any; a newer version's is not looked at. Errors: denied; those of reading.
Status check_master_key(Connection& db, const Secret& master_key);

}  // namespace s3link::sqlite_store
