#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"

namespace s3link::delivery {

/// What the machine's two clocks say at one moment.
struct ClockReading {
  Instant wall;                          ///< the time of day, which may be set
  std::chrono::milliseconds since_boot;  ///< never set; goes on while the machine sleeps (CLOCK_BOOTTIME)
  std::string boot_id;                   ///< another one after each boot; empty: unknown
  bool operator==(const ClockReading&) const = default;
};

/// What is kept with the data, so that the next start can compare.
struct ClockRecord {
  Instant newest;                           ///< the latest time that was believed
  ClockReading last;                        ///< the last reading
  Instant trusted;                          ///< what its time of day would be by the steady clock
  std::chrono::milliseconds in_step_since;  ///< since_boot from which on both clocks went on evenly
  std::chrono::milliseconds proof;          ///< how long they must, for a jump to be believed
  bool operator==(const ClockRecord&) const = default;
};

enum class ClockState {
  plausible,
  behind,  ///< before what is in the database
  ahead,   ///< it jumped
};
/// "plausible", "behind", "ahead".
std::string_view to_string(ClockState state) noexcept;

struct ClockStatus {
  ClockState state = ClockState::plausible;  ///< behind where both are so
  bool mail_waits = false;                   ///< it is behind
  bool removal_waits = false;                ///< it jumped ahead
  bool starting = false;                     ///< removal waits only for the time service to answer after a boot
  Instant wall{};
  Instant newest{};                          ///< before which it is behind
  Instant removal{};                         ///< by which things are removed: never after `wall`
  std::chrono::milliseconds believed_in{0};  ///< how long removal waits at most, if the clock is not set meanwhile
};

/// By how much it is not what it should be; none while it is plausible, or just starting.
std::chrono::seconds off_by(const ClockStatus& status) noexcept;
/// In words, for an operator; empty: it is plausible.
std::string explain(const ClockStatus& status);

/// Whether the time of day can be right, from what it said before and from a clock that is never set.
///
/// Behind: more than kTolerance before the latest time that was believed. Links made then would be dead, or die early.
/// It ends when that time has come, or by confirm().
///
/// Ahead: since the last reading the time of day went on by more than kJump longer than the steady clock. What is
/// removed for good goes by the steady clock then. It ends when the time of day is set back, when both have gone on
/// evenly for kProof, or by confirm(). Two boots cannot be compared so: nobody knows how long the machine was off.
/// Where the first reading of a run is more than kJump after the last run, kStarting takes the place of kProof: long
/// enough for a time service that is there to have set the clock. So it does where the clock is set within kStarting of
/// a boot, or was behind just before. A step back is followed at once. Not thread safe.
class ClockWatch {
 public:
  static constexpr std::chrono::minutes kTolerance{15};  ///< as far as clients' clocks may be off, too (SigV4)
  static constexpr std::chrono::hours kJump{1};
  static constexpr std::chrono::hours kProof{24};
  static constexpr std::chrono::minutes kStarting{15};

  /// `before`: of the last run; empty: there is none.
  ClockWatch(const std::optional<ClockRecord>& before, const ClockReading& now);

  /// To be called often, and with readings in their order.
  ClockStatus look(const ClockReading& now);
  /// Somebody knows that the time of day is right.
  void confirm(const ClockReading& now);
  ClockRecord record() const;

 private:
  void believe(const ClockReading& now);
  bool is_behind(Instant wall) const;
  ClockStatus status() const;

  Instant newest_;
  ClockReading last_;
  std::chrono::milliseconds trusted_offset_;  ///< of the time of day from the steady clock, as it was last believed
  std::chrono::milliseconds in_step_since_;
  std::chrono::milliseconds proof_;
  bool compares_runs_ = false;  ///< the next look: of two boots
  bool behind_ = false;
  bool ahead_ = false;
};

}  // namespace s3link::delivery
