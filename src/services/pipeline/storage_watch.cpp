#include "services/pipeline/storage_watch.hpp"

#include <utility>

namespace s3link::pipeline {

using ports::LogLevel;
using std::chrono::steady_clock;

struct StorageWatch::Probe {
  /// How long an answer is owed, if longer than it may be.
  std::optional<std::chrono::seconds> overdue(steady_clock::time_point now) const {
    const std::scoped_lock lock(mutex);
    if (!asked || now - *asked < kPatience) return std::nullopt;
    return std::chrono::floor<std::chrono::seconds>(now - *asked);
  }
  /// False: one is under way.
  bool begin(steady_clock::time_point now) {
    const std::scoped_lock lock(mutex);
    if (asked) return false;
    asked = now;
    return true;
  }
  /// Whether that is news.
  bool end(Status found) {
    const std::scoped_lock lock(mutex);
    const bool news = found.has_value() != answer.has_value() || was_overdue;
    asked.reset();
    was_overdue = false;
    answer = std::move(found);
    return news;
  }

  mutable std::mutex mutex;
  std::optional<steady_clock::time_point> asked;  ///< while an answer is owed
  bool was_overdue = false;
  Status answer;  ///< the latest
};

StorageWatch::StorageWatch(StorageSource source, ports::Clock& clock, ports::Logger& logger)
    : source_(std::move(source)),
      clock_(clock),
      logger_(logger),
      loop_("storage cannot be watched", {}, clock, logger),
      probe_(std::make_shared<Probe>()) {}

StorageWatch::~StorageWatch() = default;

Awaitable<void> StorageWatch::run() {
  co_await loop_.run([this] { return look(); });
}

void StorageWatch::stop() { loop_.stop(); }

Status StorageWatch::state() const {
  if (auto writable = source_.writable(); !writable) return writable;
  if (const auto waited = probe_->overdue(clock_.steady_now())) {
    return fail(ErrorKind::transient,
                "the disk of the data folder has not answered for " + std::to_string(waited->count()) + " s");
  }
  const std::scoped_lock lock(probe_->mutex);
  return probe_->answer;
}

std::optional<StorageTrouble> StorageWatch::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

Awaitable<Result<std::optional<Instant>>> StorageWatch::look() {
  const auto now = clock_.steady_now();
  const bool unanswered = probe_->overdue(now).has_value();
  if (unanswered) {
    const std::scoped_lock lock(probe_->mutex);
    probe_->was_overdue = true;
  }
  note(state(), unanswered);
  if (now >= next_probe_) {
    next_probe_ = now + kPeriod;
    if (probe_->begin(now)) {
      source_.probe([probe = probe_, wake = loop_.waker()](Status found) {
        if (probe->end(std::move(found))) wake();
      });
    }
  }
  co_return clock_.now() + std::chrono::ceil<std::chrono::milliseconds>(next_probe_ - now);
}

void StorageWatch::note(const Status& found, bool unanswered) {
  bool changed = false;
  {
    const std::scoped_lock lock(mutex_);
    changed = found.has_value() == trouble_.has_value();
    if (found) {
      trouble_.reset();
    } else {
      trouble_ = StorageTrouble{
          .since = changed ? clock_.now() : trouble_->since, .reason = found.error().message, .unanswered = unanswered};
    }
  }
  if (!changed) return;
  if (found) {
    logger_.log(LogLevel::info, "uploads can be stored again", {});
  } else {
    logger_.log(LogLevel::error, "uploads cannot be stored", {{"detail", found.error().message}});
  }
  if (changed_) changed_();
}

}  // namespace s3link::pipeline
