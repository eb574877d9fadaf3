#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/delivery/alarm_rule.hpp"
#include "core/delivery/relay_state.hpp"
#include "ports/alarm_store.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "services/pipeline/alarm_topic.hpp"
#include "services/pipeline/clock_guard.hpp"
#include "services/pipeline/recurring_look.hpp"
#include "services/pipeline/storage_watch.hpp"

namespace s3link::pipeline {

struct AlarmSettings {
  std::uint64_t dead_letter_threshold = 0;                      ///< more dead letters than this: ALARM
  std::chrono::seconds max_wait = std::chrono::hours(1);        ///< an event that waits longer: ALARM
  std::chrono::milliseconds period = std::chrono::seconds(60);  ///< between two looks, if nothing happens
  delivery::AlarmPolicy policy;
  /// What the relay of the link mails is doing; asked from run()'s executor. Empty: there is none to be watched.
  std::function<delivery::RelayStatus()> relay = {};
  /// Whether the machine's clock can be right; asked in the same way. Empty: it is not watched.
  std::function<ClockReport()> clock = {};
  /// Why uploads cannot be stored, if so; asked in the same way. Empty: that is not watched.
  std::function<std::optional<StorageTrouble>()> storage = {};
};

/// Watches the dead-letter queue, the outbox, relay, clock and storage, decides by delivery::evaluate, logs every
/// change of state, and hands what is to be told to the topic. Looks at the start, each period, and soon after each
/// change of the dead-letter queue or a call of waker(): a fraction of the period later, so that what fails together is
/// told together. A subscriber that is new is reminded at the start of what the others were told before it was there.
///
/// What the store does not take is told all the same, once: the alarm's memory is kept here until the store takes it. A
/// restart before that forgets what was told, and tells it again where it is still so; a subscriber that the store
/// knows of nothing else counts as new after it. Thread safety: run() stays on its executor, one thread or a strand,
/// which must be the topic's; stop() may be called from any thread. The store and the topic must outlive it.
class Alarm {
 public:
  Alarm(AlarmSettings settings, ports::AlarmStore& store, AlarmTopic& topic, ports::Clock& clock,
        ports::Logger& logger);
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm();

  /// Until stop(); call once, and do not cancel it.
  Awaitable<void> run();
  void stop();
  /// For what is watched to call when it has changed: from any thread, also after the Alarm is gone.
  std::function<void()> waker();

 private:
  /// What one alarm looks at.
  struct Reading {
    alarm::AlarmName alarm;
    std::uint64_t value;
    std::uint64_t threshold;
    bool over;
    std::vector<alarm::FrequentReason> reasons = {};  ///< besides those in the store
    std::optional<Instant> removal = {};
  };
  /// Waits for what fails together with what woke us, and evaluates every alarm. Returns when the next look is due.
  Awaitable<Result<std::optional<Instant>>> look();
  static Reading reading_of(const ClockReport& clock);
  /// What an alarm remembers, and whether the store holds it so.
  struct Remembered {
    delivery::AlarmMemory memory;
    bool stored = true;
  };
  std::vector<Reading> storage_readings(Instant now) const;
  std::vector<Reading> readings(const ports::AlarmMeasure& measure, Instant now) const;
  /// Returns when something is to be told if nothing changes until then.
  Awaitable<Result<Instant>> evaluate(Reading reading);
  Awaitable<Result<Remembered>> remember(alarm::AlarmName alarm);
  Awaitable<Status> save(alarm::AlarmName alarm, delivery::AlarmMemory memory);
  Awaitable<Status> tell(Reading reading, delivery::AlarmStep step, Instant now, std::vector<std::string> subscribers);
  /// Errors: transient, where a write may never come back.
  Status store_answers() const;
  void log_change(const Reading& reading);

  AlarmSettings settings_;
  ports::AlarmStore& store_;
  AlarmTopic& topic_;
  ports::Clock& clock_;
  ports::Logger& logger_;
  RecurringLook loop_;
  Instant due_ = Instant::min();      ///< when the next look was due
  bool others_forgotten_ = false;     ///< subscribers of an earlier configuration
  std::vector<std::string> unheard_;  ///< subscribers that were never told of anything; until the first look is over
  std::map<alarm::AlarmName, Remembered> remembered_;  ///< of those that were evaluated since the start
  std::optional<Error> unstored_;                      ///< why, in this look, the store did not take what is remembered
  std::int64_t last_unstored_id_ = 0;
};

}  // namespace s3link::pipeline
