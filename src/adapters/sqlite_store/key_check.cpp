#include "adapters/sqlite_store/key_check.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr BodyId kNoBody{};
constexpr std::size_t kZeros = 32;

}  // namespace

std::string read_key_check(Connection& db) {
  Query row = db.query("SELECT value FROM meta WHERE name='key_check'");
  return row.next() ? row.text(0) : std::string();
}

std::string make_key_check(const KeyWrap& keys) { return keys.wrap(Secret(std::string(kZeros, '\0')), kNoBody); }

bool opens_key_check(const KeyWrap& keys, std::string_view key_check) {
  return keys.unwrap(key_check, kNoBody).has_value();
}

}  // namespace s3link::sqlite_store
