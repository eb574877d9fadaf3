#include "services/pipeline/dead_letter_retention.hpp"

#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "core/trace/trace_context.hpp"
#include "services/pipeline/wake_signal.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookEvery = 1h;
constexpr std::size_t kBatch = 200;  // one transaction each: long ones would hold up the writers

}  // namespace

DeadLetterRetention::DeadLetterRetention(ports::DeadLetterQueue& queue, ports::Clock& clock, ports::Logger& logger)
    : queue_(queue), clock_(clock), logger_(logger), wake_(std::make_shared<WakeSignal>()) {}

DeadLetterRetention::~DeadLetterRetention() = default;

void DeadLetterRetention::stop() {
  stopping_ = true;
  wake_->notify();
}

Awaitable<void> DeadLetterRetention::run() {
  wake_->open(co_await asio::this_coro::executor);
  while (!stopping_) {
    Status done;
    try {
      done = co_await remove_old();
    } catch (const std::exception& e) {
      done = fail(ErrorKind::internal, e.what());
    }
    if (!done) {
      logger_.log(ports::LogLevel::error, "removal of old dead letters failed",
                  {{"reason", std::string(to_string(done.error().kind))}, {"detail", done.error().message}});
    }
    const Instant next = clock_.now() + kLookEvery;
    while (!stopping_ && clock_.now() < next) co_await wake_->wait_until(clock_, next);
  }
  wake_->close();
}

Awaitable<Status> DeadLetterRetention::remove_old() {
  std::size_t count = 0;
  while (!stopping_) {
    const Instant now = clock_.now();
    const auto old = co_await queue_.older_than(now - kKept, kBatch);
    if (!old) co_return std::unexpected(old.error());
    if (old->empty()) break;
    std::vector<std::int64_t> ids;
    for (const auto& letter : *old) ids.push_back(letter.id);
    const auto dropped =
        co_await queue_.drop(std::move(ids), now, {.kind = "retention", .message = "nobody redrove it within 14 days"});
    if (!dropped) co_return std::unexpected(dropped.error());
    count += dropped->size();
    dropped_.fetch_add(dropped->size(), std::memory_order_relaxed);
    for (const auto& letter : *old) {
      logger_.log(ports::LogLevel::warning, "dead letter dropped",
                  {{"event_id", std::to_string(letter.id)},
                   {"bucket", letter.bucket},
                   {"key", letter.key},
                   {"rule", "retention"},
                   {"reason", letter.reason.kind},
                   {"last_failure", iso8601(letter.last_failure)},
                   {"trace_id", trace::xray_id_of(letter.trace)}});
    }
  }
  if (count > 0) {
    logger_.log(ports::LogLevel::warning, "old dead letters dropped",
                {{"rule", "retention"}, {"count", std::to_string(count)}});
  }
  co_return Status{};
}

}  // namespace s3link::pipeline
