#include "adapters/sqlite_store/origin_rows.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite_store/package_cipher.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "core/base/encoding.hpp"
#include "core/event/event_record.hpp"

namespace s3link::sqlite_store {
namespace {

/// Rows of `meta` are named by this and the first sequencer of the origin.
constexpr std::string_view kPrefix = "origin/";
constexpr std::uint64_t kRestoredAtLeastBeyond = 1'000'000'000;

std::uint64_t read_next_number(Connection& db) {
  Query row = db.query("SELECT value FROM meta WHERE name='next_number'");
  return row.next() ? row.count(0) : 0;
}

bool is_restored(Connection& db) {
  Query mark = db.query("SELECT 1 FROM meta WHERE name=?1", kRestoredMark);
  return mark.next();
}

std::uint64_t above_all_given_out(std::uint64_t next_number, Instant now) {
  const std::int64_t ms = std::max<std::int64_t>(to_unix_ms(now), 0);
  return std::max(next_number + kRestoredAtLeastBeyond, static_cast<std::uint64_t>(ms) * 1000);
}

std::string random_id() {
  std::array<unsigned char, 16> id{};
  fill_random(id);
  return hex_encode(std::string_view(reinterpret_cast<const char*>(id.data()), id.size()));
}

/// Those whose numbers are all below that of the oldest event that may still be mailed.
void remove_ended(Connection& db) {
  std::int64_t oldest = 0;
  {
    Query row = db.query(
        "SELECT min(id) FROM (SELECT min(id) AS id FROM outbox UNION ALL SELECT min(id) FROM dead_letters"
        " UNION ALL SELECT min(id) FROM alarm_notifications)");
    if (row.next()) oldest = row.integer(0);
  }
  if (oldest == 0) oldest = INT64_MAX;  // nothing waits: the last alone
  db.run("DELETE FROM meta WHERE name>=?1 AND name<(SELECT max(name) FROM meta WHERE name>=?1 AND name<=?2)", kPrefix,
         std::string(kPrefix) + event::sequencer_of(static_cast<std::uint64_t>(oldest)));
}

std::vector<event::Origins::Origin> read_origins(Connection& db) {
  std::vector<event::Origins::Origin> out;
  // '0' follows '/': every name with the prefix, and no other.
  Query rows = db.query("SELECT name, value FROM meta WHERE name>=?1 AND name<'origin0'", kPrefix);
  while (rows.next()) out.push_back({.first = rows.text(0).substr(kPrefix.size()), .id = rows.text(1)});
  return out;
}

}  // namespace

Result<BegunOrigin> begin_origin(Connection& writer, Instant now) {
  BegunOrigin begun{.next_number = read_next_number(writer), .origins = {}};
  if (!writer.ok()) return std::unexpected(writer.error());
  if (begun.next_number == 0) return fail(ErrorKind::corrupt, "s3link.db has lost its commit number");
  writer.run("BEGIN IMMEDIATE");
  if (is_restored(writer)) {
    begun.next_number = above_all_given_out(begun.next_number, now);
    writer.run("UPDATE meta SET value=?1 WHERE name='next_number'", begun.next_number);
  }
  writer.run("INSERT OR REPLACE INTO meta VALUES(?1, ?2)",
             std::string(kPrefix) + event::sequencer_of(begun.next_number), random_id());
  remove_ended(writer);
  begun.origins = event::Origins(read_origins(writer));
  writer.run("COMMIT");
  if (!writer.ok()) return std::unexpected(writer.error());
  return begun;
}

}  // namespace s3link::sqlite_store
