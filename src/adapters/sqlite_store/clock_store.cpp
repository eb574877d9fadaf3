#include "adapters/sqlite_store/clock_store.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/sqlite_store/connection.hpp"

namespace s3link::sqlite_store {
namespace {

namespace json = boost::json;
using delivery::ClockRecord;
using std::chrono::milliseconds;

std::string to_json(const ClockRecord& record) {
  return json::serialize(json::object{{"newest_ms", to_unix_ms(record.newest)},
                                      {"wall_ms", to_unix_ms(record.last.wall)},
                                      {"trusted_ms", to_unix_ms(record.trusted)},
                                      {"since_boot_ms", record.last.since_boot.count()},
                                      {"boot_id", record.last.boot_id},
                                      {"in_step_since_ms", record.in_step_since.count()},
                                      {"proof_ms", record.proof.count()}});
}

/// Empty: it is none that we wrote.
std::optional<ClockRecord> from_json(std::string_view text) {
  json::error_code failure;
  const json::value parsed = json::parse(text, failure);
  const json::object* const object = failure ? nullptr : parsed.if_object();
  if (object == nullptr) return std::nullopt;
  bool whole = true;
  const auto number = [&](std::string_view name) -> std::int64_t {
    const json::value* const value = object->if_contains(name);
    const std::int64_t* const found = value == nullptr ? nullptr : value->if_int64();
    whole = whole && found != nullptr;
    return found == nullptr ? 0 : *found;
  };
  const json::value* const boot = object->if_contains("boot_id");
  const json::string* const boot_id = boot == nullptr ? nullptr : boot->if_string();
  ClockRecord out{.newest = from_unix_ms(number("newest_ms")),
                  .last = {.wall = from_unix_ms(number("wall_ms")),
                           .since_boot = milliseconds(number("since_boot_ms")),
                           .boot_id = boot_id == nullptr ? std::string() : std::string(*boot_id)},
                  .trusted = from_unix_ms(number("trusted_ms")),
                  .in_step_since = milliseconds(number("in_step_since_ms")),
                  .proof = milliseconds(number("proof_ms"))};
  if (!whole) return std::nullopt;
  return out;
}

/// Of all that happens to mails: each newest row is found along an index. An upload leaves one of them, too.
std::optional<Instant> newest_instant(Connection& db) {
  Query row = db.query(
      "SELECT max(at) FROM ("
      "SELECT max(created_ms) AS at FROM (SELECT created_ms FROM outbox ORDER BY id DESC LIMIT 1000)"
      " UNION ALL SELECT max(sent_ms) FROM (SELECT sent_ms FROM ledger ORDER BY sequencer DESC LIMIT 1000)"
      " UNION ALL SELECT max(last_failure_ms) FROM dead_letters"
      " UNION ALL SELECT max(dropped_ms) FROM dropped"
      " UNION ALL SELECT max(completed_ms) FROM (SELECT completed_ms FROM completed_uploads ORDER BY number DESC LIMIT "
      "1000)"
      " UNION ALL SELECT max(appended_ms) FROM (SELECT appended_ms FROM access_log_journal ORDER BY id DESC LIMIT 1000)"
      " UNION ALL SELECT max(made_ms) FROM (SELECT made_ms FROM alarm_notifications ORDER BY id DESC LIMIT 1000))");
  return row.next() ? row.maybe_instant(0) : std::nullopt;
}

}  // namespace

Awaitable<Result<std::optional<ClockRecord>>> SqliteClockStore::load() {
  co_return context_.readers.read([](Connection& db) -> Result<std::optional<ClockRecord>> {
    {
      Query row = db.query("SELECT value FROM meta WHERE name='clock'");
      if (row.next()) {
        if (auto saved = from_json(row.bytes(0))) return saved;
      }
    }
    const auto newest = newest_instant(db);
    if (!newest) return std::nullopt;
    return ClockRecord{.newest = *newest,
                       .last = {.wall = *newest, .since_boot = {}, .boot_id = {}},
                       .trusted = *newest,
                       .in_step_since = {},
                       .proof = delivery::ClockWatch::kStarting};
  });
}

Awaitable<Status> SqliteClockStore::save(ClockRecord record) {
  co_return co_await context_.queue.submit([text = to_json(record)](WriteTransaction& transaction) -> Status {
    transaction.db().run("INSERT OR REPLACE INTO meta VALUES('clock', ?1)", text);
    return {};
  });
}

}  // namespace s3link::sqlite_store
