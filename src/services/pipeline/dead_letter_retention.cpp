#include "services/pipeline/dead_letter_retention.hpp"

#include <utility>
#include <vector>

#include "core/trace/trace_context.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookEvery = 1h;
constexpr std::size_t kBatch = 200;  // one transaction each: long ones would hold up the writers

}  // namespace

DeadLetterRetention::DeadLetterRetention(ports::DeadLetterQueue& queue, ports::Clock& clock, ports::Logger& logger,
                                         std::function<Instant()> time)
    : queue_(queue),
      clock_(clock),
      logger_(logger),
      time_(std::move(time)),
      loop_("removal of old dead letters failed", {}, clock, logger) {}

DeadLetterRetention::~DeadLetterRetention() = default;

void DeadLetterRetention::stop() { loop_.stop(); }

Awaitable<void> DeadLetterRetention::run() {
  co_await loop_.run([this] { return remove_old(); });
}

Awaitable<Result<std::optional<Instant>>> DeadLetterRetention::remove_old() {
  std::size_t count = 0;
  while (!loop_.stopping()) {
    const Instant now = clock_.now();
    const auto old = co_await queue_.older_than((time_ ? time_() : now) - kKept, kBatch);
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
  co_return clock_.now() + kLookEvery;
}

}  // namespace s3link::pipeline
