#include "adapters/sqlite_store/statistics.hpp"

#include <utility>

#include "adapters/sqlite_store/alarm_store.hpp"
#include "adapters/sqlite_store/counters.hpp"

namespace s3link::sqlite_store {
namespace {

using ports::StoreStatistics;

void read_usage(Connection& db, const std::vector<s3::BucketName>& buckets, StoreStatistics& out) {
  for (const s3::BucketName& bucket : buckets) {
    Query row = db.query("SELECT object_count, object_bytes FROM buckets WHERE name=?1", bucket.text());
    if (row.next()) out.buckets.push_back({.bucket = bucket, .objects = row.count(0), .bytes = row.count(1)});
  }
}

Result<StoreStatistics> read_all(Connection& db, const std::vector<s3::BucketName>& buckets) {
  StoreStatistics out;
  read_usage(db, buckets, out);
  out.outbox = count_outbox(db);
  out.oldest_event = oldest_event(db);
  out.dead_letters = count_dead_letters(db);
  for (const alarm::AlarmName alarm : alarm::kAlarms) {
    out.alarms.push_back({.alarm = alarm, .state = read_alarm_memory(db, alarm).state});
  }
  out.subscribers = read_subscribers(db);
  return out;
}

}  // namespace

Awaitable<Result<StoreStatistics>> SqliteStatistics::read_statistics(std::vector<s3::BucketName> buckets) {
  co_return co_await context_.pool.run([this, buckets = std::move(buckets)] {
    return context_.readers.read([&](Connection& db) { return read_all(db, buckets); });
  });
}

}  // namespace s3link::sqlite_store
