#include "adapters/sqlite_store/key_check.hpp"

#include "adapters/sqlite_store/package_cipher.hpp"
#include "adapters/sqlite_store/row_seal.hpp"
#include "adapters/sqlite_store/schema.hpp"

namespace s3link::sqlite_store {
namespace {

/// Up to version 4: 32 zeros, wrapped like the data key of a body with this id.
constexpr BodyId kNoBody{};
/// As version 5's migration has it, too.
constexpr std::string_view kSealedText = "master key";

bool is_sealed_form(std::string_view key_check) { return key_check.size() == RowSeals::kSealBytes; }

bool has_rows(Connection& db, const char* sql) { return db.query(sql).next(); }

}  // namespace

std::string read_key_check(Connection& db) {
  Query row = db.query("SELECT value FROM meta WHERE name='key_check'");
  return row.next() ? row.text(0) : std::string();
}

std::string make_key_check(const Secret& master_key) { return RowSeals(master_key).of_text(kSealedText); }

bool opens_key_check(const Secret& master_key, std::string_view key_check) {
  if (is_sealed_form(key_check)) return key_check == make_key_check(master_key);
  return KeyWrap(master_key.clone()).unwrap(key_check, kNoBody).has_value();
}

Status check_master_key(Connection& db, const Secret& master_key) {
  const bool made = has_rows(db, "SELECT 1 FROM sqlite_schema WHERE name='meta'");
  std::int64_t version = 0;
  {
    Query row = db.query("PRAGMA user_version");
    if (row.next()) version = row.integer(0);
  }
  if (!db.ok()) return std::unexpected(db.error());
  if (!made || version == 0 || version > kSchemaVersion) return {};
  const std::string key_check = read_key_check(db);
  const bool empty = key_check.empty() && !has_rows(db, "SELECT 1 FROM buckets UNION ALL SELECT 1 FROM bodies LIMIT 1");
  if (!db.ok()) return std::unexpected(db.error());
  if (empty) return {};
  if (is_sealed_form(key_check) != (version >= kFirstSealedVersion) || !opens_key_check(master_key, key_check))
    return fail(ErrorKind::denied, "the master key is not the one this data folder is encrypted with");
  return {};
}

}  // namespace s3link::sqlite_store
