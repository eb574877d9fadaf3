#include "core/delivery/relay_state.hpp"

#include <algorithm>

#include "core/delivery/retry_policy.hpp"
#include "core/mail/smtp_verdict.hpp"

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr unsigned kPassedToGrow = 10;
constexpr unsigned kPassedToTryAgain = 100;  // what it refused
constexpr auto kProbePatience = 30s;
constexpr auto kForgetRefusals = 10min;
constexpr milliseconds kFirstSpacing = 250ms;
constexpr milliseconds kMostSpacing = 60s;
/// Refusals in a row, from which on a relay that asks for less counts as one that takes nothing.
constexpr unsigned kTakesNothing = 6;

}  // namespace

std::string_view to_string(RelayPhase phase) noexcept {
  switch (phase) {
    case RelayPhase::open:
      return "open";
    case RelayPhase::throttled:
      return "throttled";
    case RelayPhase::paused:
      break;
  }
  return "paused";
}

std::string_view trouble(const RelayStatus& status) noexcept {
  if (status.phase == RelayPhase::open) return "";
  if (status.login_refused) return "login refused";
  return status.asks_for_less ? "asks for less" : "away";
}

RelayState::RelayState(RelayPolicy policy, Instant now)
    : policy_(policy), connections_(policy.max_connections), since_(now) {}

milliseconds RelayState::interval() const {
  return std::max(spacing_, policy_.rate ? policy_.rate->interval() : milliseconds(0));
}

unsigned RelayState::free(Instant now) const {
  if (under_way_ >= policy_.max_connections) return 0;
  // A clock that was set back must not stop the mail.
  if (probing_) return now >= probe_began_ + kProbePatience || now < probe_began_ ? 1 : 0;
  if (pause_until_) return pause_runs(now) ? 0 : 1;
  if (under_way_ >= connections_) return 0;
  if (interval() == 0ms) return connections_ - under_way_;
  return last_begin_ && *last_begin_ <= now && now < *last_begin_ + interval() ? 0 : 1;
}

std::optional<Instant> RelayState::next(Instant now) const {
  if (under_way_ >= policy_.max_connections) return std::nullopt;
  if ((probing_ || pause_until_) && free(now) > 0) return now;
  if (probing_) return probe_began_ + kProbePatience;
  if (pause_until_) return pause_until_;
  if (under_way_ >= connections_ || !last_begin_) return std::nullopt;
  return std::max(now, *last_begin_ + interval());
}

std::optional<RelayState::Ticket> RelayState::begin(Instant now) {
  if (free(now) == 0) return std::nullopt;
  ++under_way_;
  last_begin_ = now;
  probing_ = pause_until_.has_value();
  if (probing_) probe_began_ = now;
  return Ticket{epoch_, probing_};
}

bool RelayState::stale(Ticket ticket) {
  --under_way_;
  if (ticket.epoch != epoch_) return true;
  if (ticket.probe) probing_ = false;
  return false;
}

void RelayState::abandoned(Ticket ticket) { stale(ticket); }

void RelayState::passed(Ticket ticket, Instant now) {
  known_ = true;
  if (stale(ticket)) return;
  pause_until_.reset();
  failures_ = 0;
  login_refused_ = false;
  grow(now);
  const bool less = connections_ < policy_.max_connections || spacing_ > 0ms;
  enter(less ? RelayPhase::throttled : RelayPhase::open, now);
}

void RelayState::grow(Instant now) {
  if (connections_ == policy_.max_connections && spacing_ == 0ms) return;
  if (now >= last_refusal_ + kForgetRefusals || now < last_refusal_) {
    connections_ = policy_.max_connections;
    refused_at_ = 0;
    spacing_ = 0ms;
    return;
  }
  const bool was_refused = spacing_ == 0ms && connections_ + 1 == refused_at_;
  if (++passed_ < (was_refused ? kPassedToTryAgain : kPassedToGrow)) return;
  passed_ = 0;
  if (spacing_ == 0ms) {
    ++connections_;
    return;
  }
  spacing_ = spacing_ * 3 / 4;
  if (spacing_ < kFirstSpacing / 2) spacing_ = 0ms;
}

void RelayState::ask_less(Instant now) {
  last_refusal_ = now;
  passed_ = 0;
  if (connections_ > 1) {
    refused_at_ = connections_;
    connections_ /= 2;
  } else {
    spacing_ = spacing_ == 0ms ? kFirstSpacing : std::min(kMostSpacing, spacing_ * 2);
  }
}

void RelayState::failed(Ticket ticket, const mail::SendFailure& failure, Instant now, std::uint64_t random) {
  known_ = true;
  if (stale(ticket)) return;
  ++epoch_;
  probing_ = false;
  ++failures_;
  const RetryPolicy pauses{.max_attempts = 0, .first_retry = policy_.first_pause, .max_retry = policy_.max_pause};
  paused_at_ = now;
  pause_until_ = now + backoff(pauses, failures_, random);
  login_refused_ = mail::refuses_login(failure);
  reason_ = failure.error.message;
  less_ = mail::asks_for_less(failure);
  if (less_) ask_less(now);
  enter(less_ && failures_ < kTakesNothing ? RelayPhase::throttled : RelayPhase::paused, now);
}

void RelayState::probe_now(Instant now) {
  if (pause_until_) pause_until_ = std::min(*pause_until_, now);
}

void RelayState::enter(RelayPhase phase, Instant now) {
  if (phase != phase_) since_ = now;
  phase_ = phase;
  if (phase == RelayPhase::open) reason_.clear();
}

RelayStatus RelayState::status() const {
  return {.phase = phase_,
          .since = since_,
          .known = known_,
          .login_refused = login_refused_,
          .asks_for_less = less_ && phase_ != RelayPhase::open,
          .reason = reason_,
          .next_probe = probing_ ? std::nullopt : pause_until_,
          .connections = connections()};
}

}  // namespace s3link::delivery
