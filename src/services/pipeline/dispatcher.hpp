#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/delivery/clock_watch.hpp"
#include "core/delivery/decision.hpp"
#include "ports/awaitable.hpp"
#include "ports/bucket_store.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "ports/outbox.hpp"
#include "ports/random.hpp"
#include "ports/trace_sink.hpp"
#include "services/link/link_generator.hpp"
#include "services/link/mailer.hpp"
#include "services/pipeline/delivery_tally.hpp"
#include "services/pipeline/relay_gate.hpp"

namespace s3link::event {
struct EventRecord;
}

namespace s3link::pipeline {

class DeliveryTrace;
class WakeSignal;

struct DispatcherSettings {
  delivery::RetryPolicy retry;
  unsigned concurrency = 16;                          ///< deliveries at a time; 1 or more
  std::chrono::milliseconds lease{300'000};           ///< how long a claim holds if this process dies
  std::chrono::milliseconds longest_hold{0};          ///< that MailSettings::recipient_rate makes a mail wait
  std::chrono::milliseconds overdue_period{60'000};   ///< between two looks for those whose time is over
  std::chrono::milliseconds stop_grace{10'000};       ///< what running deliveries get to finish after stop()
  std::function<delivery::ClockStatus()> clock = {};  ///< whether it can be right; empty: it is
};

/// The loop that delivers outbox entries: event → link → mail → ledger. Woken by the outbox at once when an entry is
/// committed, and by the clock when a retry is due. Events that fail, however many, delay no other
/// (delivery::room_for). Of several entries of one event one is delivered at a time, so that the ledger tells the next
/// what the first did. The mails of an event go out beside each other: one that hangs keeps its event, and no other
/// mail. No more are begun than the mailer's relay can bear (RelayGate): what has to wait for the relay stays in the
/// outbox, and no attempt is counted; but once a minute those are taken whose time is over. Nor is one counted where
/// the fault is ours: the store's, the disk's, the ledger's. While the clock cannot be right nothing is begun where it
/// is behind; where it jumped ahead, no event ends by the jump alone, as given up or as one whose object is gone. Each
/// attempt is a segment in the trace of the request that made the event. Thread safety: run() and the deliveries it
/// starts stay on run()'s executor, which must be one thread or a strand; stop() may be called from any thread. Its
/// ports must outlive run().
class Dispatcher {
 public:
  Dispatcher(DispatcherSettings settings, ports::Outbox& outbox, ports::BucketStore& buckets,
             const link::LinkGenerator& links, link::Mailer& mailer, RelayGate& relay, ports::Clock& clock,
             ports::Random& random, ports::Logger& logger, ports::TraceSink& traces);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  ~Dispatcher();

  /// Delivers until stop(); call once, and end it by stop(), not by cancelling it. After stop() it takes nothing new
  /// and returns when the running deliveries have ended; those that last longer than stop_grace are cancelled and left
  /// to the next start.
  Awaitable<void> run();
  void stop();
  /// From any thread.
  const DeliveryTally& tally() const noexcept { return tally_; }

 private:
  struct Running;
  struct Reading;
  /// By how much the clock jumped ahead, as long as that may be wrong.
  Instant::duration jump() const;
  Awaitable<void> loop();
  delivery::Room room() const;
  /// No wait is longer than a lease or max_retry: what is due later was given its time by a clock that was ahead, or by
  /// a longer max_retry.
  Awaitable<Status> forget_wrong_clock();
  /// Takes those whose time is over, whatever the relay's state, from time to time.
  Awaitable<Status> take_overdue();
  /// Takes what is due, as far as there is room. Returns when to look again (empty: when woken), or an error.
  Awaitable<Result<std::optional<Instant>>> take();
  Awaitable<void> drain();
  void start(const asio::any_io_executor& executor, ports::OutboxEntry entry);
  Awaitable<void> deliver(ports::OutboxEntry entry, Reading reading);
  /// Fills in `removal`, of the object, once it is known.
  Awaitable<delivery::Outcome> attempt(const ports::OutboxEntry& entry, const event::EventRecord& record,
                                       std::optional<Instant>& removal, DeliveryTrace& trace);
  /// Takes out those that have had as many mails about this key as they may; returns when the first of them may have
  /// another, at `latest` at the latest.
  Awaitable<Result<std::optional<Instant>>> hold_back(std::vector<mail::Address>& recipients,
                                                      const event::EventRecord& record, Instant latest);
  void log_sent(const ports::OutboxEntry& entry, const event::EventRecord& record, const link::SendOutcome& outcome,
                const std::string& deadline, const DeliveryTrace& trace);
  Awaitable<Status> settle(const ports::OutboxEntry& entry, delivery::Outcome outcome, std::optional<Instant> removal,
                           std::vector<ports::LogField> about, DeliveryTrace& trace);

  DispatcherSettings settings_;
  ports::Outbox& outbox_;
  ports::BucketStore& buckets_;
  const link::LinkGenerator& links_;
  link::Mailer& mailer_;
  RelayGate& relay_;
  ports::Clock& clock_;
  ports::Random& random_;
  ports::Logger& logger_;
  ports::TraceSink& traces_;
  std::shared_ptr<WakeSignal> wake_;
  std::atomic<bool> stopping_ = false;
  std::list<Running> running_;  ///< a list: their addresses stay
  bool last_was_retried_ = false;
  Instant next_overdue_{};  ///< when take_overdue() looks again
  DeliveryTally tally_;
};

}  // namespace s3link::pipeline
