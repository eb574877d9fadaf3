#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "core/s3/names.hpp"
#include "ports/access_log_journal.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "ports/random.hpp"
#include "services/server/access_log.hpp"

namespace s3link::pipeline {
class WakeSignal;
}

namespace s3link::server {

struct AccessLogWriterSettings {
  s3::BucketName logs_bucket;
  std::chrono::seconds flush_interval{};             ///< from the oldest line to its object, at most
  std::chrono::seconds object_ttl{};                 ///< life of such an object
  std::uint64_t max_bytes = std::uint64_t{1} << 30;  ///< of all of them; the oldest go
};

/// Takes the lines of an AccessLog to the journal, within half a second of the first, and makes objects of the journal:
/// after the flush interval, or when 10,000 lines or 4 MiB are together; what an earlier run left, at the start.
/// Thread safety: run() stays on its executor, one thread or a strand; stop() may be called from any thread. The
/// references must outlive run().
class AccessLogWriter {
 public:
  AccessLogWriter(AccessLogWriterSettings settings, AccessLog& log, ports::AccessLogJournal& journal,
                  ports::Clock& clock, ports::Random& random, ports::Logger& logger);
  AccessLogWriter(const AccessLogWriter&) = delete;
  AccessLogWriter& operator=(const AccessLogWriter&) = delete;
  ~AccessLogWriter();

  /// Runs until stop(), and then takes what the log holds to the journal; call once, and do not cancel it. An error of
  /// the journal is logged and the work tried again, after 1 s, 2 s, … 60 s; no line is lost meanwhile but by a full
  /// log.
  Awaitable<void> run();
  void stop();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;  ///< never set back: no line waits for a time of day
  /// Failures in a row of one of the two steps, and when it is tried again.
  struct Attempts {
    unsigned failures = 0;
    SteadyTime not_before = SteadyTime::min();
  };
  /// Runs the step, and notes and logs its failure. `attempts` is a member.
  Awaitable<void> attempt(Attempts& attempts, Awaitable<Status> step);
  /// Lines to the journal.
  Awaitable<Status> keep();
  /// Journal to objects, as far as they are due.
  Awaitable<Status> publish_due();
  Awaitable<Status> publish();
  /// Until something is due, or stop().
  Awaitable<void> rest();
  std::optional<SteadyTime> next_due() const;
  /// When the journal's lines become an object; empty: there are none.
  std::optional<Instant> object_due() const;
  bool is_object_due() const;
  /// Of one object: small beside what all of them may hold.
  std::uint64_t max_object_bytes() const noexcept;

  const AccessLogWriterSettings settings_;
  AccessLog& log_;
  ports::AccessLogJournal& journal_;
  ports::Clock& clock_;
  ports::Random& random_;
  ports::Logger& logger_;
  std::shared_ptr<pipeline::WakeSignal> wake_;
  std::atomic<bool> stopping_ = false;
  Attempts keeping_;
  Attempts publishing_;
  std::optional<SteadyTime> gathering_since_;                ///< when the first of the lines to keep was seen
  std::optional<ports::AccessLogJournal::Waiting> waiting_;  ///< in the journal; empty: to be asked for
  bool left_over_ = true;                                    ///< the journal may hold lines of an earlier run
};

}  // namespace s3link::server
