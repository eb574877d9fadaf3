#include "services/pipeline/lifecycle_sweeper.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <exception>

#include "core/delivery/retry_policy.hpp"
#include "services/pipeline/wake_signal.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatch = 500;       // one transaction each: long ones would hold up the writers
constexpr std::size_t kUploadBatch = 10;  // of up to 10,000 parts each
constexpr auto kPause = 10ms;             // what became due meanwhile: together, not one by one
constexpr delivery::RetryPolicy kRetry{.max_attempts = 0, .first_retry = 1s, .max_retry = 60s};

}  // namespace

LifecycleSweeper::LifecycleSweeper(SweepSettings settings, ports::BucketStore& buckets, ports::Clock& clock,
                                   ports::Logger& logger)
    : settings_(std::move(settings)),
      buckets_(buckets),
      clock_(clock),
      logger_(logger),
      look_every_(std::clamp<std::chrono::milliseconds>(settings_.object_ttl, 100ms, 1min)),
      wake_(std::make_shared<WakeSignal>()) {}

LifecycleSweeper::~LifecycleSweeper() = default;

void LifecycleSweeper::stop() {
  stopping_ = true;
  wake_->notify();
}

void LifecycleSweeper::wake() { wake_->notify(); }

Awaitable<void> LifecycleSweeper::run() {
  wake_->open(co_await asio::this_coro::executor);
  buckets_.on_lifecycle_change([wake = wake_] { wake->notify(); });
  unsigned failures = 0;
  while (!stopping_) {
    Result<Instant> next = fail(ErrorKind::internal, "");
    try {
      next = co_await sweep();
    } catch (const std::exception& e) {
      next = fail(ErrorKind::internal, e.what());
    }
    if (next) {
      failures = 0;
    } else {
      ++failures;
      logger_.log(ports::LogLevel::error, "removal of expired objects failed",
                  {{"reason", std::string(to_string(next.error().kind))}, {"detail", next.error().message}});
      next = clock_.now() + delivery::backoff(kRetry, failures, 0);
    }
    if (!stopping_) co_await wake_->wait_until(clock_, *next);
  }
  buckets_.on_lifecycle_change({});
  wake_->close();
}

Awaitable<Status> LifecycleSweeper::apply_rules() {
  bool more = true;
  while (more && !stopping_) {
    const auto applied = co_await buckets_.apply_lifecycle(settings_.bucket, settings_.object_ttl, kBatch);
    if (!applied) co_return std::unexpected(applied.error());
    more = *applied;
  }
  co_return Status{};
}

Awaitable<Status> LifecycleSweeper::remove_objects() {
  while (!stopping_) {
    const auto removed = co_await buckets_.remove_expired(clock_.now(), kBatch);
    if (!removed) co_return std::unexpected(removed.error());
    tally_.removed_objects.fetch_add(*removed, std::memory_order_relaxed);
    if (*removed > 0) {
      logger_.log(ports::LogLevel::info, "expired objects removed", {{"count", std::to_string(*removed)}});
    }
    if (*removed < kBatch) break;
  }
  co_return Status{};
}

Awaitable<Status> LifecycleSweeper::abort_uploads() {
  while (!stopping_) {
    const auto aborted = co_await buckets_.abort_old_uploads(clock_.now(), kUploadBatch);
    if (!aborted) co_return std::unexpected(aborted.error());
    tally_.aborted_uploads.fetch_add(*aborted, std::memory_order_relaxed);
    if (*aborted > 0) {
      logger_.log(ports::LogLevel::info, "incomplete uploads aborted", {{"count", std::to_string(*aborted)}});
    }
    if (*aborted < kUploadBatch) break;
  }
  co_return Status{};
}

Awaitable<Result<Instant>> LifecycleSweeper::sweep() {
  auto next = co_await do_sweep();
  (next ? tally_.runs : tally_.failed_runs).fetch_add(1, std::memory_order_relaxed);
  if (next) tally_.last_run_unix_ms.store(to_unix_ms(clock_.now()), std::memory_order_relaxed);
  co_return next;
}

Awaitable<Result<Instant>> LifecycleSweeper::do_sweep() {
  if (auto done = co_await apply_rules(); !done) co_return std::unexpected(done.error());
  if (auto done = co_await remove_objects(); !done) co_return std::unexpected(done.error());
  if (auto done = co_await abort_uploads(); !done) co_return std::unexpected(done.error());
  const auto next = co_await buckets_.next_removal();
  if (!next) co_return std::unexpected(next.error());
  const Instant now = clock_.now();
  const std::optional<Instant>& due = *next;
  if (!due) co_return now + look_every_;
  co_return std::clamp(*due, now + kPause, now + look_every_);
}

}  // namespace s3link::pipeline
