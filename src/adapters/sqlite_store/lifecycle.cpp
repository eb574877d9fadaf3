// The lifecycle half of SqliteBucketStore.
#include "adapters/sqlite_store/bucket_store.hpp"
#include "adapters/sqlite_store/lifecycle_rows.hpp"

namespace s3link::sqlite_store {

Awaitable<Result<s3::LifecycleRules>> SqliteBucketStore::lifecycle(s3::BucketName bucket) {
  co_return context_.readers.read([&](Connection& db) -> Result<s3::LifecycleRules> {
    const auto id = find_bucket(db, bucket);
    if (!id) return std::unexpected(id.error());
    return read_lifecycle(db, *id);
  });
}

Awaitable<Status> SqliteBucketStore::put_lifecycle(s3::BucketName bucket, s3::LifecycleRules rules) {
  const Status written = co_await context_.queue.submit(
      [bucket = std::move(bucket), rules = std::move(rules)](WriteTransaction& transaction) -> Status {
        const auto id = find_bucket(transaction.db(), bucket);
        if (!id) return std::unexpected(id.error());
        write_lifecycle(transaction.db(), *id, rules);
        return {};
      });
  if (!written) co_return written;
  const std::lock_guard lock(mutex_);
  if (lifecycle_changed_) lifecycle_changed_();
  co_return written;
}

Awaitable<Result<bool>> SqliteBucketStore::apply_lifecycle(s3::BucketName bucket, std::chrono::seconds otherwise,
                                                           std::size_t limit) {
  const auto pending = context_.readers.read(
      [](Connection& db) -> Result<bool> { return db.query("SELECT 1 FROM lifecycle_pending LIMIT 1").next(); });
  if (!pending || !*pending) co_return pending;
  co_return co_await context_.queue.submit([bucket = std::move(bucket), otherwise, limit,
                                            now = context_.now()](WriteTransaction& transaction) -> Result<bool> {
    const auto id = find_bucket(transaction.db(), bucket);
    if (!id) return std::unexpected(id.error());
    return sqlite_store::apply_lifecycle(transaction.db(), *id, otherwise, now, limit);
  });
}

Awaitable<Result<std::size_t>> SqliteBucketStore::abort_old_uploads(Instant now, std::size_t limit) {
  const auto due = context_.readers.read([now](Connection& db) -> Result<bool> {
    return db.query("SELECT 1 FROM uploads WHERE abort_at_ms<=?1 LIMIT 1", now).next();
  });
  if (!due) co_return std::unexpected(due.error());
  if (!*due) co_return std::size_t{0};
  co_return co_await context_.queue.submit([now, limit](WriteTransaction& transaction) -> Result<std::size_t> {
    return sqlite_store::abort_old_uploads(transaction, now, limit);
  });
}

void SqliteBucketStore::on_lifecycle_change(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  lifecycle_changed_ = std::move(wake);
}

}  // namespace s3link::sqlite_store
