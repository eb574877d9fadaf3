#include "adapters/sqlite_store/ledger.hpp"

#include <utility>

#include "adapters/sqlite_store/event_id.hpp"

namespace s3link::sqlite_store {

Awaitable<Result<bool>> SqliteLedger::contains(ports::LedgerKey key) {
  co_return context_.readers.read([&](Connection& db) -> Result<bool> {
    Query row =
        db.query("SELECT 1 FROM ledger WHERE sequencer=?1 AND recipient=?2 AND kind=?3 AND bucket=?4 AND key=?5",
                 key.sequencer, key.recipient, key.kind, key.bucket, Blob{key.key});
    return row.next();
  });
}

Awaitable<Result<std::optional<Instant>>> SqliteLedger::sent_before(ports::LedgerKey key, std::size_t more) {
  co_return context_.readers.read([&](Connection& db) -> Result<std::optional<Instant>> {
    Query row = db.query(
        "SELECT sent_ms FROM ledger WHERE key=?1 AND recipient=?2 AND bucket=?3 AND kind=?4"
        " ORDER BY sent_ms DESC LIMIT 1 OFFSET ?5",
        Blob{key.key}, key.recipient, key.bucket, key.kind, more);
    if (!row.next()) return std::nullopt;
    return row.instant(0);
  });
}

Awaitable<Status> SqliteLedger::record_sent(ports::LedgerEntry entry) {
  co_return co_await context_.queue.submit([entry = std::move(entry)](WriteTransaction& transaction) -> Status {
    const ports::LedgerKey& key = entry.key;
    transaction.db().run(
        "INSERT OR IGNORE INTO ledger(sequencer, recipient, kind, bucket, key, message_id, created_ms, sent_ms,"
        " deadline_ms, reply, trace) VALUES(?1, ?2, ?3, ?4, ?5, ?6,"
        " coalesce((SELECT created_ms FROM outbox WHERE id=?10), ?7), ?7, ?8, ?9,"
        " coalesce((SELECT trace FROM outbox WHERE id=?10), ''))",
        key.sequencer, key.recipient, key.kind, key.bucket, Blob{key.key}, entry.message_id, entry.sent, entry.deadline,
        entry.reply, event_id_of(key.sequencer));
    return {};
  });
}

}  // namespace s3link::sqlite_store
