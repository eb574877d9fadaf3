#include "adapters/otlp/otlp_trace_sink.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <span>
#include <utility>
#include <variant>

#include "adapters/otlp/answer.hpp"
#include "adapters/otlp/span_json.hpp"
#include "core/base/encoding.hpp"

namespace s3link::otlp {
namespace {

using boost::asio::steady_timer;
using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)

constexpr const char* kTooSlow = "the collector was too slow to take them before the end";

class WholeBody final : public ports::HttpBodySource {
 public:
  explicit WholeBody(std::string_view text) : rest_(as_bytes(text)) {}
  Awaitable<Result<std::span<const std::byte>>> next() override { co_return std::exchange(rest_, {}); }

 private:
  std::span<const std::byte> rest_;
};

/// Until somebody cancels the timer, or the caller is cancelled, which is no error here.
Awaitable<void> wait_for(steady_timer& timer) { co_await timer.async_wait(asio::as_tuple(asio::use_awaitable)); }

}  // namespace

OtlpTraceSink::OtlpTraceSink(OtlpSettings settings, boost::asio::any_io_executor executor, ports::HttpClient& client,
                             ports::Clock& clock, ports::Random& random)
    : settings_(std::move(settings)),
      executor_(std::move(executor)),
      client_(client),
      clock_(clock),
      random_(random),
      wake_(executor_, steady_timer::time_point::max()),
      stop_(executor_, steady_timer::time_point::max()) {}

void OtlpTraceSink::emit(const trace::TraceContext& context, const trace::Segment& segment) {
  if (!context.sampled) return;
  try {
    auto spans = spans_of(context, segment, [this] {
      trace::SegmentId id;
      random_.fill(id.bytes);
      return id;
    });
    std::size_t bytes = 0;
    for (const auto& span : spans) bytes += span.size();
    bool is_news = false;
    {
      const std::scoped_lock lock(mutex_);
      if (waiting_.size() + spans.size() > settings_.max_waiting ||
          waiting_bytes_ + bytes > settings_.max_waiting_bytes) {
        lost_ += spans.size();
        last_loss_ = "more than can be kept are waiting for the collector";
        return;
      }
      const std::size_t before = waiting_.size();
      if (before == 0) first_waits_since_ = clock_.steady_now();
      std::ranges::move(spans, std::back_inserter(waiting_));
      waiting_bytes_ += bytes;
      is_news = before == 0 || (before < settings_.max_batch && waiting_.size() >= settings_.max_batch);
    }
    if (is_news) wake();
  } catch (const std::exception&) {
    ++lost_;  // no memory, no random numbers: the work itself goes on
  }
}

void OtlpTraceSink::wake() {
  notified_ = true;
  asio::post(executor_, [this] { wake_.cancel(); });
}

void OtlpTraceSink::stop() {
  {
    const std::scoped_lock lock(mutex_);
    if (!give_up_at_) give_up_at_ = clock_.steady_now() + settings_.stop_grace;
  }
  stopping_ = true;
  wake();
  asio::post(executor_, [this] { stop_.cancel(); });
}

OtlpTraceSink::SteadyTime OtlpTraceSink::give_up_at() const {
  const std::scoped_lock lock(mutex_);
  return give_up_at_.value_or(SteadyTime::max());
}

std::string OtlpTraceSink::last_loss() const {
  const std::scoped_lock lock(mutex_);
  return last_loss_;
}

void OtlpTraceSink::lose(std::uint64_t spans, std::string reason) {
  lost_ += spans;
  const std::scoped_lock lock(mutex_);
  last_loss_ = std::move(reason);
}

OtlpTraceSink::Spans OtlpTraceSink::take() {
  const std::scoped_lock lock(mutex_);
  Spans spans;
  const std::size_t count = std::min(settings_.max_batch, waiting_.size());
  spans.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    waiting_bytes_ -= waiting_.front().size();
    spans.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  first_waits_since_ = clock_.steady_now();
  return spans;
}

Awaitable<void> OtlpTraceSink::woken() {
  // The timer is cancelled on this executor only, so a signal cannot slip in between the look and the wait.
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!notified_.exchange(false)) {
    co_await wait_for(wake_);
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) co_return;
  }
}

Awaitable<void> OtlpTraceSink::sleep_until(SteadyTime when) {
  co_await clock_.sleep_until(clock_.now() + std::chrono::ceil<std::chrono::milliseconds>(when - clock_.steady_now()));
}

Awaitable<void> OtlpTraceSink::wait_until(std::optional<SteadyTime> when) {
  if (when) {
    co_await (sleep_until(*when) || woken());
  } else {
    co_await woken();
  }
}

Awaitable<void> OtlpTraceSink::wait_for_batch() {
  while (!stopping_) {
    std::optional<SteadyTime> due;
    {
      const std::scoped_lock lock(mutex_);
      if (waiting_.size() >= settings_.max_batch) co_return;
      if (!waiting_.empty()) due = first_waits_since_ + settings_.batch_delay;
    }
    if (due && clock_.steady_now() >= *due) co_return;
    co_await wait_until(due);
  }
}

Awaitable<void> OtlpTraceSink::run() {
  while (!stopping_) {
    co_await wait_for_batch();
    if (!stopping_) co_await send(take());
  }
  for (Spans spans = take(); !spans.empty(); spans = take()) {
    if (clock_.steady_now() < give_up_at()) {
      co_await send(std::move(spans));
    } else {
      lose(spans.size(), kTooSlow);
    }
  }
}

Awaitable<void> OtlpTraceSink::send(Spans spans) {
  const std::string document = export_request(spans, settings_.version);
  for (unsigned attempt = 1;; ++attempt) {
    const auto answer = co_await post(document);
    auto verdict = judge(answer, clock_.now());
    if (verdict.kind == Verdict::Kind::taken) {
      if (verdict.rejected > 0) lose(verdict.rejected, "the collector rejected them: " + verdict.reason);
      co_return;
    }
    if (verdict.kind == Verdict::Kind::refused || attempt >= settings_.max_attempts || stopping_) {
      lose(spans.size(), std::move(verdict.reason));
      co_return;
    }
    const auto again = clock_.steady_now() + pause_after(attempt, verdict.wait);
    while (!stopping_ && clock_.steady_now() < again) co_await wait_until(again);
  }
}

std::chrono::milliseconds OtlpTraceSink::pause_after(unsigned attempt,
                                                     std::optional<std::chrono::milliseconds> asked_for) {
  if (asked_for) return std::min(*asked_for, settings_.max_retry_after);
  auto pause = settings_.first_retry;
  for (unsigned i = 1; i < attempt && pause < settings_.max_retry; ++i) pause *= 2;
  pause = std::min(pause, settings_.max_retry);
  // Half of it is chance, so that those who failed together do not come back together.
  const auto half = static_cast<std::uint64_t>(pause.count() / 2);
  return pause - std::chrono::milliseconds(half == 0 ? 0 : random_.next_u64() % half);
}

Awaitable<void> OtlpTraceSink::grace_is_over() {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!stopping_) {
    co_await wait_for(stop_);
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) co_return;
  }
  while (clock_.steady_now() < give_up_at()) {
    co_await sleep_until(give_up_at());
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) co_return;
  }
}

Awaitable<Result<ports::HttpClientResponse>> OtlpTraceSink::post(std::string document) {
  ports::HttpClientRequest request{.scheme = settings_.scheme,
                                   .host = settings_.host,
                                   .port = settings_.port,
                                   .method = "POST",
                                   .target = settings_.target,
                                   .fields = {{"Host", settings_.authority},
                                              {"Content-Type", "application/json"},
                                              {"User-Agent", "s3link/" + settings_.version}},
                                   .body_length = document.size()};
  WholeBody body(document);
  // Whoever waits for our end does not wait for a collector.
  auto first = co_await (client_.exchange(std::move(request), &body, settings_.timeout) || grace_is_over());
  if (auto* const answer = std::get_if<Result<ports::HttpClientResponse>>(&first)) co_return std::move(*answer);
  co_return fail(ErrorKind::transient, kTooSlow);
}

}  // namespace s3link::otlp
