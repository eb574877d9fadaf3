#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/mail/rate.hpp"
#include "core/mail/send_failure.hpp"

namespace s3link::delivery {

struct RelayPolicy {
  std::size_t recipients = 1;                    ///< that mails go to
  unsigned max_connections = 4;                  ///< messages at a time; 1 or more
  std::optional<mail::Rate> rate = {};           ///< of messages, spread evenly; empty: as fast as it takes them
  std::chrono::milliseconds first_pause{1'000};  ///< after the first failure; doubled with each further one
  std::chrono::milliseconds max_pause{300'000};
};

enum class RelayPhase {
  open,       ///< it takes what we hand it
  throttled,  ///< it asked for less: fewer connections, fewer mails a minute
  paused,     ///< away, or it refuses our login: one message is tried at a time, with growing pauses
};
/// "open", "throttled", "paused".
std::string_view to_string(RelayPhase phase) noexcept;

struct RelayStatus {
  RelayPhase phase = RelayPhase::open;
  Instant since{};                    ///< of the phase
  bool known = false;                 ///< a message was tried since the start
  bool login_refused = false;         ///< paused because of it
  bool asks_for_less = false;         ///< why it is throttled or paused
  std::string reason;                 ///< of a phase that is not open: the relay's words; no secret
  std::optional<Instant> next_probe;  ///< empty: nothing is waited for, or the probe is under way
  unsigned connections = 0;           ///< messages that may be under way at a time
};

/// Why it is not open, for those who may know no more: "login refused", "asks for less", "away"; empty: it is open.
std::string_view trouble(const RelayStatus& status) noexcept;

/// What the relay can bear, from what it answered: whether a message may be handed to it now, or when the next may.
///
/// A failure of the relay (FailureScope::relay) pauses everything; after the pause one message is tried, the probe.
/// Where the probe fails the pause doubles; where it passes, all go on; where it takes longer than half a minute,
/// another is tried beside it. A relay that asks for less gets half the connections each time, down to one, and then
/// twice the time between two messages; every 10 messages that pass give back a connection, or a quarter of that time;
/// ten minutes without such a refusal give back all. As many connections as it refused last are tried again only after
/// 100 messages: it stays just below what the relay bears. Several messages that were under way at a failure count
/// once. Not thread safe; time comes from outside.
class RelayState {
 public:
  /// A message under way.
  struct Ticket {
    std::uint64_t epoch = 0;
    bool probe = false;
  };

  RelayState(RelayPolicy policy, Instant now);

  /// How many messages may be begun at `now`.
  unsigned free(Instant now) const;
  /// When free() may be more than none without the end of a message; empty: only with one.
  std::optional<Instant> next(Instant now) const;
  /// Empty: it must wait.
  std::optional<Ticket> begin(Instant now);
  unsigned under_way() const noexcept { return under_way_; }
  /// How many may be under way at a time.
  unsigned connections() const noexcept { return pause_until_ ? 1 : connections_; }
  /// A pause runs, and there is no probe whose outcome could end it.
  bool only_waits(Instant now) const noexcept { return !probing_ && pause_runs(now); }

  /// Each ticket ends by one of these. passed: the relay answered to the message, whatever it said of it.
  void passed(Ticket ticket, Instant now);
  /// A failure with scope relay.
  void failed(Ticket ticket, const mail::SendFailure& failure, Instant now, std::uint64_t random);
  /// Nothing is known: broken off.
  void abandoned(Ticket ticket);
  /// Somebody says that the trouble is over: the next probe is now.
  void probe_now(Instant now);

  RelayStatus status() const;

 private:
  bool pause_runs(Instant now) const noexcept { return pause_until_ && now < *pause_until_ && now >= paused_at_; }
  std::chrono::milliseconds interval() const;
  void grow(Instant now);
  void ask_less(Instant now);
  void enter(RelayPhase phase, Instant now);
  bool stale(Ticket ticket);

  RelayPolicy policy_;
  unsigned under_way_ = 0;
  std::uint64_t epoch_ = 0;  ///< failures so far: what began before one is stale after it
  unsigned failures_ = 0;    ///< in a row
  bool probing_ = false;
  Instant probe_began_{};
  std::optional<Instant> pause_until_;
  Instant paused_at_;  ///< a time yet to come: the clock was set back since, and the pause is over
  std::optional<Instant> last_begin_;
  unsigned connections_;
  unsigned refused_at_ = 0;  ///< connections of which it asked for less, last; 0: not known to be too many
  std::chrono::milliseconds spacing_{0};
  unsigned passed_ = 0;     ///< since the last change of connections_ or spacing_
  Instant last_refusal_{};  ///< that asked for less
  RelayPhase phase_ = RelayPhase::open;
  Instant since_;
  bool known_ = false;
  bool login_refused_ = false;
  bool less_ = false;
  std::string reason_;
};

}  // namespace s3link::delivery
