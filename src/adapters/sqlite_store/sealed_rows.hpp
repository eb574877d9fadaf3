#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "core/base/result.hpp"

/// What the seal of each table's rows covers (row_seal.hpp), and SQL put together from it.
namespace s3link::sqlite_store {

/// A piece of SQL that can be put together with others when the program is compiled.
template <std::size_t N>
struct SqlText {
  std::array<char, N> text{};
  consteval SqlText(const char (&literal)[N]) {  // NOLINT: takes a literal as it is
    std::copy_n(&literal[0], N, text.begin());
  }
};

template <SqlText... Parts>
consteval auto join_sql() {
  std::array<char, ((Parts.text.size() - 1) + ...) + 1> joined{};
  auto out = joined.begin();
  ((out = std::copy_n(Parts.text.begin(), Parts.text.size() - 1, out)), ...);
  return joined;
}
template <SqlText... Parts>
inline constexpr auto kJoinedSql = join_sql<Parts...>();
/// As Connection::query() wants it: always at the same address.
template <SqlText... Parts>
constexpr const char* sql() noexcept {
  return kJoinedSql<Parts...>.data();
}

/// All columns of a table that its seal covers, in its order, and the parameters of an INSERT for them.
inline constexpr SqlText kBucketColumns("id, name, created_ms");
inline constexpr SqlText kObjectColumns(
    "bucket, key, number, body_set, size, etag, modified_ms, removed_at_ms, headers, checksum_algorithm,"
    " checksum_value, checksum_composite, sha256, parts, removal_rule");
inline constexpr SqlText kObjectValues("?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15");
inline constexpr SqlText kBodyColumns(
    "body_set, part, id, size, wrapped_key, small, md5, modified_ms, checksum_algorithm, checksum_value");
inline constexpr SqlText kBodyValues("?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10");
inline constexpr SqlText kUploadColumns(
    "bucket, key, upload_id, body_set, initiated_ms, headers, checksum_algorithm, checksum_composite, abort_at_ms");
inline constexpr SqlText kUploadValues("?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9");
inline constexpr SqlText kRuleColumns(
    "bucket, position, id, enabled, prefix, prefix_in_filter, expiration_days, abort_days");
inline constexpr SqlText kRuleValues("?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8");
inline constexpr SqlText kJournalColumns("id, appended_ms, line_count, lines");

/// For statements that do not know the name of the row's bucket, which the seals of objects and uploads cover, too.
inline constexpr SqlText kNameOfBucket("(SELECT name FROM buckets WHERE buckets.id=bucket)");

/// `what`: "the object file-exchange/report.pdf".
inline std::unexpected<Error> damaged_row(const std::string& what) {
  return fail(ErrorKind::corrupt,
              what + " cannot be read: its row in the database is damaged; restore it from a backup");
}

}  // namespace s3link::sqlite_store
