#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/http_client.hpp"
#include "ports/random.hpp"
#include "ports/trace_sink.hpp"

namespace s3link::otlp {

struct OtlpSettings {
  std::string scheme = "http";
  std::string host;
  std::uint16_t port = 4318;
  std::string authority;  ///< the Host field
  std::string target = "/v1/traces";
  std::string version;  ///< of this service

  std::size_t max_batch = 512;                      ///< spans in a request
  std::chrono::milliseconds batch_delay{1'000};     ///< what the first of a batch waits for others
  std::size_t max_waiting = 4'096;                  ///< spans kept; what comes on top is lost
  std::size_t max_waiting_bytes = 8 * 1024 * 1024;  ///< the same in bytes of JSON
  std::chrono::milliseconds timeout{10'000};        ///< of a request
  unsigned max_attempts = 5;                        ///< for a batch
  std::chrono::milliseconds first_retry{1'000};     ///< doubled after each, with jitter
  std::chrono::milliseconds max_retry{30'000};
  std::chrono::milliseconds max_retry_after{300'000};  ///< the longest wait that a collector may ask for
  std::chrono::milliseconds stop_grace{2'000};         ///< what sending what is left gets after stop()
};

/// Sends segments as OpenTelemetry spans to a collector: OTLP/HTTP, JSON, in batches, from one coroutine. A collector
/// that is slow, away or refuses costs spans, never time: emit() encodes and queues, no more.
/// Source: OpenTelemetry Protocol Specification 1.x, "OTLP/HTTP". Drawn in docs/formats/otlp.md.
/// Thread safety: emit(), stop(), lost() and last_loss() from any thread; run() on `executor`, one thread or a strand.
class OtlpTraceSink final : public ports::TraceSink {
 public:
  /// `client` must belong to `executor`. What is passed by reference must outlive this; this must outlive run().
  OtlpTraceSink(OtlpSettings settings, boost::asio::any_io_executor executor, ports::HttpClient& client,
                ports::Clock& clock, ports::Random& random);

  void emit(const trace::TraceContext& context, const trace::Segment& segment) override;

  /// Sends until stop(); call once. After stop() it sends what is left, once, and returns within stop_grace.
  Awaitable<void> run();
  void stop();

  /// How many spans have been lost, and why the last were.
  std::uint64_t lost() const noexcept { return lost_; }
  std::string last_loss() const;

 private:
  using Spans = std::vector<std::string>;
  using SteadyTime = std::chrono::steady_clock::time_point;
  Awaitable<void> wait_for_batch();
  /// May return early where the clock was set ahead.
  Awaitable<void> sleep_until(SteadyTime when);
  Awaitable<void> wait_until(std::optional<SteadyTime> when);
  Awaitable<void> woken();
  Awaitable<void> grace_is_over();
  Awaitable<void> send(Spans spans);
  Awaitable<Result<ports::HttpClientResponse>> post(std::string document);
  std::chrono::milliseconds pause_after(unsigned attempt, std::optional<std::chrono::milliseconds> asked_for);
  Spans take();
  SteadyTime give_up_at() const;
  void wake();
  void lose(std::uint64_t spans, std::string reason);

  const OtlpSettings settings_;
  const boost::asio::any_io_executor executor_;
  ports::HttpClient& client_;
  ports::Clock& clock_;
  ports::Random& random_;

  mutable std::mutex mutex_;  ///< of what follows
  std::deque<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  SteadyTime first_waits_since_;
  std::optional<SteadyTime> give_up_at_;  ///< set by stop()
  std::string last_loss_;

  std::atomic<std::uint64_t> lost_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> notified_{false};
  boost::asio::steady_timer wake_;  ///< never expires; cancelled, on the executor, to wake run()
  boost::asio::steady_timer stop_;  ///< the same, to begin the grace
};

}  // namespace s3link::otlp
