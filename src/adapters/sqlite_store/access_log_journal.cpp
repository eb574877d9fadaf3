#include "adapters/sqlite_store/access_log_journal.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "adapters/sqlite_store/body_writer.hpp"
#include "adapters/sqlite_store/sealed_rows.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

/// What a body writer takes at a time.
constexpr std::size_t kPieceBytes = std::size_t{256} * 1024;

/// Objects that one publish() removes, so that no transaction is long.
constexpr std::uint64_t kMaxRemoved = 256;

/// The oldest rows of the journal, put together.
struct Oldest {
  ports::AccessLogLines lines;
  std::int64_t last = 0;  ///< id of the last row
  std::size_t rows = 0;
  std::uint64_t damaged = 0;  ///< of the rows: those that do not fit their seals
};

Oldest read_oldest(Connection& db, std::uint64_t max_lines, std::uint64_t max_bytes) {
  Oldest oldest;
  Query rows = db.query(sql<"SELECT id, line_count, lines, seal IS row_seal('journal', ", kJournalColumns,
                            ") FROM access_log_journal ORDER BY id">());
  while (rows.next()) {
    if (rows.integer(3) == 0) {
      oldest.last = rows.integer(0);
      ++oldest.rows;
      ++oldest.damaged;
      continue;
    }
    const std::string_view text = rows.bytes(2);
    const bool fits =
        oldest.lines.count + rows.count(1) <= max_lines && oldest.lines.text.size() + text.size() <= max_bytes;
    if (oldest.lines.count > 0 && !fits) break;
    oldest.last = rows.integer(0);
    oldest.lines.count += rows.count(1);
    oldest.lines.text += text;
    ++oldest.rows;
  }
  return oldest;
}

/// Removes objects of the bucket, the first by key first, but not `newest`; returns how many.
Result<std::uint64_t> make_room(WriteTransaction& transaction, const s3::BucketName& name, const s3::ObjectKey& newest,
                                std::uint64_t max_bytes, Instant now) {
  Connection& db = transaction.db();
  const auto bucket = find_bucket(db, name);
  if (!bucket) return std::unexpected(bucket.error());
  // What SQLite's integers hold.
  max_bytes = std::min<std::uint64_t>(max_bytes, std::numeric_limits<std::int64_t>::max());
  std::uint64_t removed = 0;
  for (; removed < kMaxRemoved; ++removed) {
    std::string oldest;
    {
      Query row = db.query(
          "SELECT (SELECT key FROM objects WHERE bucket=?1 AND key<>?2 ORDER BY key LIMIT 1) FROM buckets"
          " WHERE id=?1 AND object_bytes>?3",
          *bucket, Blob{newest.text()}, max_bytes);
      if (!row.next() || row.null(0)) break;
      oldest = row.bytes(0);
    }
    remove_object(transaction, *bucket, oldest, now);
  }
  return removed;
}

}  // namespace

Awaitable<Result<ports::AccessLogJournal::Waiting>> SqliteAccessLogJournal::waiting() {
  co_return context_.readers.read([](Connection& db) -> Result<Waiting> {
    Query row = db.query(
        "SELECT coalesce(sum(line_count), 0), coalesce(sum(length(lines)), 0), min(appended_ms)"
        " FROM access_log_journal");
    if (!row.next()) return Waiting{};
    return Waiting{.lines = row.count(0), .bytes = row.count(1), .oldest = row.maybe_instant(2)};
  });
}

Awaitable<Status> SqliteAccessLogJournal::append(ports::AccessLogLines lines, Instant now) {
  // Once into SQLite's log and once into the database. What is kept free for removals is not for lines about requests.
  if (auto room = context_.health.room_beside_reserve(2 * lines.text.size()); !room) co_return room;
  co_return co_await context_.queue.submit([lines = std::move(lines), now](WriteTransaction& transaction) -> Status {
    transaction.db().run(sql<"INSERT INTO access_log_journal(", kJournalColumns,
                             ", seal) VALUES(?1, ?2, ?3, ?4, row_seal('journal', ?1, ?2, ?3, ?4))">(),
                         transaction.take_number(), now, lines.count, Blob{lines.text});
    return {};
  });
}

Awaitable<Result<ports::AccessLogJournal::Published>> SqliteAccessLogJournal::publish(Target target, Instant now,
                                                                                      std::uint64_t max_lines,
                                                                                      std::uint64_t max_bytes) {
  auto oldest =
      context_.readers.read([&](Connection& db) -> Result<Oldest> { return read_oldest(db, max_lines, max_bytes); });
  if (!oldest) co_return std::unexpected(oldest.error());
  if (oldest->rows == 0) co_return Published{};
  if (oldest->lines.count == 0) {
    co_return co_await context_.queue.submit(
        [last = oldest->last, damaged = oldest->damaged](WriteTransaction& transaction) -> Result<Published> {
          transaction.db().run("DELETE FROM access_log_journal WHERE id<=?1", last);
          return Published{.damaged = damaged};
        });
  }

  const std::string_view text = oldest->lines.text;
  StoredBodyWriter writer(context_.files, context_.keys, context_.pool, text.size());
  for (std::size_t at = 0; at < text.size(); at += kPieceBytes) {
    const Status written = co_await writer.write(as_bytes(text.substr(at, kPieceBytes)));
    if (!written) co_return std::unexpected(written.error());
  }
  const auto digests = co_await writer.finish();
  if (!digests) co_return std::unexpected(digests.error());
  auto content = writer.take();
  if (!content) co_return std::unexpected(content.error());

  ports::PutObject put{.bucket = std::move(target.bucket),
                       .key = std::move(target.key),
                       .headers = {},
                       .checksum = std::nullopt,
                       .modified = now,
                       .removed_at = target.removed_at,
                       .event = std::nullopt,
                       .condition = {}};
  put.headers.content_type = "text/plain";
  co_return co_await context_.queue.submit(
      [put = std::move(put), content = std::move(*content), last = oldest->last, rows = oldest->rows,
       lines = oldest->lines.count, damaged = oldest->damaged, now, max_bucket_bytes = target.max_bucket_bytes,
       region = &context_.region](WriteTransaction& transaction) mutable -> Result<Published> {
        const s3::BucketName bucket = put.bucket;
        const s3::ObjectKey key = put.key;
        const auto stored = put_object_in(transaction, std::move(put), content, now, *region);
        if (!stored) return std::unexpected(stored.error());
        const auto removed = transaction.db().run("DELETE FROM access_log_journal WHERE id<=?1", last);
        if (static_cast<std::size_t>(removed) != rows) {
          return fail(ErrorKind::conflict, "these access log lines were made an object meanwhile");
        }
        const auto older = make_room(transaction, bucket, key, max_bucket_bytes, now);
        if (!older) return std::unexpected(older.error());
        return Published{.lines = lines, .removed = *older, .damaged = damaged};
      });
}

}  // namespace s3link::sqlite_store
