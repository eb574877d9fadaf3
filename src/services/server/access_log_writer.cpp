#include "services/server/access_log_writer.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <string>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/delivery/retry_policy.hpp"
#include "core/s3/access_log_record.hpp"
#include "services/pipeline/wake_signal.hpp"

namespace s3link::server {
namespace {

using namespace std::chrono_literals;

/// From the first line to its commit, which must be over within a second.
constexpr auto kGather = 500ms;
constexpr std::uint64_t kMaxObjectLines = 10'000;
constexpr std::uint64_t kMaxObjectBytes = std::uint64_t{4} * 1024 * 1024;
constexpr delivery::RetryPolicy kRetry{.max_attempts = 0, .first_retry = 1s, .max_retry = 60s};

/// Sixteen upper-case hexadecimal digits, as S3's.
std::string make_id(ports::Random& random) {
  std::string bytes(8, '\0');
  random.fill(std::as_writable_bytes(std::span(bytes)));
  std::string id = hex_encode(bytes);
  std::ranges::transform(id, id.begin(), [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
  return id;
}

}  // namespace

AccessLogWriter::AccessLogWriter(AccessLogWriterSettings settings, AccessLog& log, ports::AccessLogJournal& journal,
                                 ports::Clock& clock, ports::Random& random, ports::Logger& logger)
    : settings_(std::move(settings)),
      log_(log),
      journal_(journal),
      clock_(clock),
      random_(random),
      logger_(logger),
      wake_(std::make_shared<pipeline::WakeSignal>()) {}

AccessLogWriter::~AccessLogWriter() = default;

void AccessLogWriter::stop() {
  stopping_ = true;
  wake_->notify();
}

Awaitable<void> AccessLogWriter::run() {
  wake_->open(co_await asio::this_coro::executor);
  log_.on_first_line([wake = wake_] { wake->notify(); });
  while (true) {
    const bool last = stopping_;
    if (last || clock_.steady_now() >= keeping_.not_before) co_await attempt(keeping_, keep());
    if (last) break;
    if (clock_.steady_now() >= publishing_.not_before) co_await attempt(publishing_, publish_due());
    co_await rest();
  }
  log_.on_first_line({});
  wake_->close();
}

Awaitable<void> AccessLogWriter::attempt(Attempts& attempts, Awaitable<Status> step) {
  Status done;
  try {
    done = co_await std::move(step);
  } catch (const std::exception& e) {
    done = fail(ErrorKind::internal, e.what());
  }
  if (done) {
    attempts = {};
    co_return;
  }
  logger_.log(ports::LogLevel::error, "writing the access log failed",
              {{"reason", std::string(to_string(done.error().kind))}, {"detail", done.error().message}});
  attempts.not_before = clock_.steady_now() + delivery::backoff(kRetry, ++attempts.failures, 0);
}

Awaitable<void> AccessLogWriter::rest() {
  while (!stopping_) {
    if (!log_.empty() && !gathering_since_) gathering_since_ = clock_.steady_now();
    const std::optional<SteadyTime> due = next_due();
    if (due && *due <= clock_.steady_now()) co_return;
    if (due) {
      co_await wake_->wait_until(clock_, *due);
    } else {
      co_await wake_->wait_until(clock_, std::nullopt);
    }
  }
}

std::optional<Instant> AccessLogWriter::object_due() const {
  if (!waiting_ || !waiting_->oldest) return std::nullopt;
  // Kept at a time that is yet to come: the clock was set back since, and nobody knows how long ago that was: at once.
  if (*waiting_->oldest > clock_.now()) return Instant();
  return *waiting_->oldest + settings_.flush_interval;
}

std::optional<AccessLogWriter::SteadyTime> AccessLogWriter::next_due() const {
  std::optional<SteadyTime> due;
  if (gathering_since_) due = std::max(*gathering_since_ + kGather, keeping_.not_before);
  std::optional<SteadyTime> publishing_due;
  if (publishing_.failures > 0 || !waiting_) {
    publishing_due = publishing_.not_before;
  } else if (const auto object = object_due()) {
    publishing_due = clock_.steady_now() + (*object - clock_.now());
  }
  if (publishing_due && (!due || *publishing_due < *due)) due = publishing_due;
  return due;
}

Awaitable<Status> AccessLogWriter::publish_due() {
  if (!waiting_) {
    const auto waiting = co_await journal_.waiting();
    if (!waiting) co_return std::unexpected(waiting.error());
    waiting_ = *waiting;
  }
  while (!stopping_ && is_object_due()) {
    if (auto published = co_await publish(); !published) co_return published;
  }
  left_over_ = left_over_ && waiting_->oldest;
  co_return Status{};
}

bool AccessLogWriter::is_object_due() const {
  if (!waiting_->oldest) return false;
  return left_over_ || waiting_->lines >= kMaxObjectLines || waiting_->bytes >= max_object_bytes() ||
         clock_.now() >= object_due();
}

std::uint64_t AccessLogWriter::max_object_bytes() const noexcept {
  return std::min(kMaxObjectBytes, settings_.max_bytes / 4);
}

Awaitable<Status> AccessLogWriter::keep() {
  gathering_since_.reset();
  auto [lines, dropped, refused] = log_.take();
  if (dropped > 0) {
    logger_.log(ports::LogLevel::warning, "access log lines dropped",
                {{"count", std::to_string(dropped)}, {"refused_requests", std::to_string(refused)}});
  }
  if (lines.count == 0) co_return Status{};
  const Instant now = clock_.now();
  const auto [count, bytes] = std::pair(lines.count, lines.text.size());
  auto copy = lines;
  Status appended = fail(ErrorKind::internal, "");
  try {
    appended = co_await journal_.append(std::move(copy), now);
  } catch (const std::exception& e) {
    appended = fail(ErrorKind::internal, e.what());
  }
  if (!appended) {
    log_.give_back(std::move(lines));
    co_return appended;
  }
  log_.kept();
  if (waiting_) {
    waiting_->lines += count;
    waiting_->bytes += bytes;
    if (!waiting_->oldest) waiting_->oldest = now;
  }
  co_return appended;
}

Awaitable<Status> AccessLogWriter::publish() {
  const Instant now = clock_.now();
  auto key = s3::ObjectKey::parse(s3::access_log_key(now, make_id(random_)));
  if (!key) co_return std::unexpected(key.error());
  waiting_.reset();
  const auto published = co_await journal_.publish({.bucket = settings_.logs_bucket,
                                                    .key = std::move(*key),
                                                    .removed_at = now + settings_.object_ttl,
                                                    .max_bucket_bytes = settings_.max_bytes},
                                                   now, kMaxObjectLines, max_object_bytes());
  if (!published) co_return std::unexpected(published.error());
  if (published->removed > 0) {
    logger_.log(ports::LogLevel::warning, "oldest access logs removed: access_log.max_bytes is reached",
                {{"objects", std::to_string(published->removed)}});
  }
  if (published->damaged > 0) {
    logger_.log(ports::LogLevel::error, "access log lines are lost: their rows in the database are damaged",
                {{"rows", std::to_string(published->damaged)}});
  }
  const auto waiting = co_await journal_.waiting();
  if (!waiting) co_return std::unexpected(waiting.error());
  waiting_ = *waiting;
  co_return Status{};
}

}  // namespace s3link::server
