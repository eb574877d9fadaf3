#include "services/pipeline/lifecycle_sweeper.hpp"

#include <algorithm>

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatch = 200;       // one transaction each: long ones would hold up the writers
constexpr std::size_t kUploadBatch = 10;  // of up to 10,000 parts each
constexpr auto kPause = 10ms;             // what became due meanwhile: together, not one by one
constexpr auto kLongestRest = 250ms;

}  // namespace

LifecycleSweeper::LifecycleSweeper(SweepSettings settings, ports::BucketStore& buckets, ports::Clock& clock,
                                   ports::Logger& logger)
    : settings_(std::move(settings)),
      buckets_(buckets),
      clock_(clock),
      logger_(logger),
      look_every_(std::clamp<std::chrono::milliseconds>(settings_.object_ttl, 100ms, 1min)),
      loop_("removal of expired objects failed", {}, clock, logger) {}

LifecycleSweeper::~LifecycleSweeper() = default;

void LifecycleSweeper::stop() { loop_.stop(); }

void LifecycleSweeper::wake() { loop_.wake(); }

Awaitable<void> LifecycleSweeper::run() {
  buckets_.on_lifecycle_change(loop_.waker());
  co_await loop_.run([this] { return sweep(); });
  buckets_.on_lifecycle_change({});
}

Awaitable<void> LifecycleSweeper::rest(std::chrono::steady_clock::time_point begin) {
  const auto took = std::chrono::ceil<std::chrono::milliseconds>(clock_.steady_now() - begin);
  co_await clock_.sleep_until(clock_.now() + std::min<std::chrono::milliseconds>(took, kLongestRest));
}

Awaitable<Status> LifecycleSweeper::apply_rules() {
  bool more = true;
  while (more && !loop_.stopping()) {
    const auto begin = clock_.steady_now();
    const auto applied = co_await buckets_.apply_lifecycle(settings_.bucket, settings_.object_ttl, kBatch);
    if (!applied) co_return std::unexpected(applied.error());
    more = *applied;
    if (more) co_await rest(begin);
  }
  co_return Status{};
}

Awaitable<Status> LifecycleSweeper::remove_objects() {
  while (!loop_.stopping()) {
    const auto begin = clock_.steady_now();
    const auto removed = co_await buckets_.remove_expired(removal_time(), kBatch);
    if (!removed) co_return std::unexpected(removed.error());
    tally_.removed_objects.fetch_add(*removed, std::memory_order_relaxed);
    if (*removed > 0) {
      logger_.log(ports::LogLevel::info, "expired objects removed", {{"count", std::to_string(*removed)}});
    }
    if (*removed < kBatch) break;
    co_await rest(begin);
  }
  co_return Status{};
}

Awaitable<Status> LifecycleSweeper::abort_uploads() {
  while (!loop_.stopping()) {
    const auto begin = clock_.steady_now();
    const auto aborted = co_await buckets_.abort_old_uploads(removal_time(), kUploadBatch);
    if (!aborted) co_return std::unexpected(aborted.error());
    tally_.aborted_uploads.fetch_add(*aborted, std::memory_order_relaxed);
    if (*aborted > 0) {
      logger_.log(ports::LogLevel::info, "incomplete uploads aborted", {{"count", std::to_string(*aborted)}});
    }
    if (*aborted < kUploadBatch) break;
    co_await rest(begin);
  }
  co_return Status{};
}

Awaitable<Result<std::optional<Instant>>> LifecycleSweeper::sweep() {
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
  const std::optional<Instant>& due = *next;
  Instant::duration wait = look_every_;
  if (due) wait = std::clamp<Instant::duration>(*due - removal_time(), kPause, look_every_);
  co_return clock_.now() + wait;
}

}  // namespace s3link::pipeline
