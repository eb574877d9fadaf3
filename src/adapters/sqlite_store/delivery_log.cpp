#include "adapters/sqlite_store/delivery_log.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "adapters/sqlite_store/event_id.hpp"
#include "core/event/event_record.hpp"

namespace s3link::sqlite_store {
namespace {

using ports::DeliveryFilter;
using ports::DeliveryRow;

constexpr std::size_t kMostRows = 1001;

std::size_t limit_of(const DeliveryFilter& filter) { return std::clamp<std::size_t>(filter.limit, 1, kMostRows); }

std::optional<std::int64_t> id_filter(const DeliveryFilter& filter) {
  if (filter.sequencer.empty()) return std::nullopt;
  return event_id_of(filter.sequencer);
}

std::optional<std::string> text_filter(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::optional<Blob> key_filter(const DeliveryFilter& filter) {
  return filter.key.empty() ? std::nullopt : std::optional(Blob{filter.key});
}

std::optional<std::int64_t> milliseconds_of(const std::optional<Instant>& when) {
  return when ? std::optional(to_unix_ms(*when)) : std::nullopt;
}

/// Columns: id, bucket, key, created_ms, attempts, when, detail, trace.
void read_events(Query rows, const char* state, std::vector<DeliveryRow>& out) {
  while (rows.next()) {
    DeliveryRow row;
    row.event_id = rows.integer(0);
    row.state = state;
    row.bucket = rows.text(1);
    row.key = rows.text(2);
    row.sequencer = event::sequencer_of(rows.count(0));
    row.created = rows.instant(3);
    row.attempts = static_cast<unsigned>(rows.integer(4));
    row.when = rows.maybe_instant(5);
    row.detail = rows.text(6);
    row.trace = rows.text(7);
    out.push_back(std::move(row));
  }
}

void read_delivered(Query rows, std::vector<DeliveryRow>& out) {
  while (rows.next()) {
    DeliveryRow row;
    row.state = "delivered";
    row.sequencer = rows.text(0);
    row.event_id = event_id_of(row.sequencer);
    row.bucket = rows.text(1);
    row.key = rows.text(2);
    row.recipient = rows.text(3);
    row.message_id = rows.text(4);
    row.detail = rows.text(5);
    row.created = rows.instant(6);
    row.when = rows.instant(7);
    row.deadline = rows.instant(8);
    row.trace = rows.text(9);
    out.push_back(std::move(row));
  }
}

// Each table is read along its primary key, newest first; with a sequencer that is one row or a few.
std::vector<DeliveryRow> read_rows(Connection& db, const DeliveryFilter& filter) {
  std::vector<DeliveryRow> rows;
  const auto wants = [&](std::string_view state) { return filter.state.empty() || filter.state == state; };
  const auto id = id_filter(filter);
  const std::int64_t first = id.value_or(0);
  std::int64_t last = id.value_or(INT64_MAX);
  // An event has one row of these states, without a recipient: it comes before those of its mails.
  if (filter.after_event) last = std::min(last, *filter.after_event - 1);
  const auto since = milliseconds_of(filter.since);
  const auto until = milliseconds_of(filter.until);
  const auto recipient = text_filter(filter.recipient);
  const auto bucket = text_filter(filter.bucket);
  const auto key = key_filter(filter);
  const std::size_t limit = limit_of(filter);
  if (wants("pending") && !recipient) {
    read_events(
        db.query("SELECT id, bucket, key, created_ms, attempts, due_ms,"
                 " coalesce(last_kind || ': ' || last_message, ''), trace FROM outbox WHERE id BETWEEN ?1 AND ?2"
                 " AND (?3 IS NULL OR bucket=?3) AND (?4 IS NULL OR key=?4) AND (?6 IS NULL OR created_ms>=?6)"
                 " AND (?7 IS NULL OR created_ms<?7) ORDER BY id DESC LIMIT ?5",
                 first, last, bucket, key, limit, since, until),
        "pending", rows);
  }
  if (wants("dead")) {
    read_events(
        db.query("SELECT id, bucket, key, created_ms, attempts, last_failure_ms, kind || ': ' || message, trace"
                 " FROM dead_letters WHERE id BETWEEN ?1 AND ?2"
                 " AND (?3 IS NULL OR bucket=?3) AND (?4 IS NULL OR key=?4) AND (?6 IS NULL OR created_ms>=?6)"
                 " AND (?7 IS NULL OR created_ms<?7) AND (?8 IS NULL OR recipient=?8) ORDER BY id DESC LIMIT ?5",
                 first, last, bucket, key, limit, since, until, recipient),
        "dead", rows);
  }
  if (wants("dropped") && !recipient) {
    read_events(db.query("SELECT id, bucket, key, created_ms, attempts, dropped_ms, rule || ': ' || message, trace"
                         " FROM dropped WHERE id BETWEEN ?1 AND ?2"
                         " AND (?3 IS NULL OR bucket=?3) AND (?4 IS NULL OR key=?4) AND (?6 IS NULL OR created_ms>=?6)"
                         " AND (?7 IS NULL OR created_ms<?7) ORDER BY id DESC LIMIT ?5",
                         first, last, bucket, key, limit, since, until),
                "dropped", rows);
  }
  if (wants("delivered")) {
    const std::string lowest = filter.sequencer;
    const std::string highest = filter.sequencer.empty() ? "\x7f" : filter.sequencer;  // above all hexadecimal digits
    const auto after = filter.after_event
                           ? std::optional(event::sequencer_of(static_cast<std::uint64_t>(*filter.after_event)))
                           : std::nullopt;
    read_delivered(
        db.query("SELECT sequencer, bucket, key, recipient, message_id, reply, created_ms, sent_ms,"
                 " deadline_ms, trace FROM ledger WHERE sequencer BETWEEN ?1 AND ?2"
                 " AND (?3 IS NULL OR bucket=?3) AND (?4 IS NULL OR key=?4) AND (?6 IS NULL OR created_ms>=?6)"
                 " AND (?7 IS NULL OR created_ms<?7) AND (?8 IS NULL OR recipient=?8)"
                 " AND (?9 IS NULL OR sequencer<?9 OR (sequencer=?9 AND recipient>?10))"
                 " ORDER BY sequencer DESC, recipient LIMIT ?5",
                 lowest, highest, bucket, key, limit, since, until, recipient, after, filter.after_recipient),
        rows);
  }
  return rows;
}

}  // namespace

std::int64_t event_id_of(std::string_view sequencer) noexcept {
  std::int64_t id = 0;
  const char* const end = sequencer.data() + sequencer.size();
  const auto [stopped, failure] = std::from_chars(sequencer.data(), end, id, 16);
  return failure == std::errc{} && stopped == end && id > 0 ? id : 0;
}

Awaitable<Result<std::vector<DeliveryRow>>> SqliteDeliveryLog::list(DeliveryFilter filter) {
  co_return context_.readers.read([&](Connection& db) -> Result<std::vector<DeliveryRow>> {
    std::vector<DeliveryRow> rows = read_rows(db, filter);
    std::ranges::sort(rows, [](const DeliveryRow& a, const DeliveryRow& b) {
      return std::tie(b.sequencer, a.recipient) < std::tie(a.sequencer, b.recipient);
    });
    if (rows.size() > limit_of(filter)) rows.resize(limit_of(filter));
    return rows;
  });
}

}  // namespace s3link::sqlite_store
