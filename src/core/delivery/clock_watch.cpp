#include "core/delivery/clock_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/mail/wording.hpp"

namespace s3link::delivery {
namespace {

using std::chrono::milliseconds;

/// Of the time of day from the steady clock.
milliseconds offset_of(const ClockReading& reading) { return reading.wall.time_since_epoch() - reading.since_boot; }

bool is_same_boot(const ClockReading& before, const ClockReading& now) {
  return !now.boot_id.empty() && before.boot_id == now.boot_id && now.since_boot >= before.since_boot;
}

std::string in_words(milliseconds duration) {
  return mail::duration_in_words(std::chrono::floor<std::chrono::seconds>(duration));
}

}  // namespace

std::string_view to_string(ClockState state) noexcept {
  switch (state) {
    case ClockState::behind:
      return "behind";
    case ClockState::ahead:
      return "ahead";
    case ClockState::plausible:
      break;
  }
  return "plausible";
}

std::chrono::seconds off_by(const ClockStatus& status) noexcept {
  using std::chrono::ceil;
  using std::chrono::seconds;
  if (status.mail_waits) return ceil<seconds>(status.newest - status.wall);
  if (!status.removal_waits || status.starting) return seconds(0);
  return ceil<seconds>(status.wall - status.removal);
}

std::string explain(const ClockStatus& status) {
  std::string out;
  if (status.mail_waits) {
    out = fmt::format("the clock says {}, and {} is in the database already: mails wait until then",
                      iso8601(status.wall), iso8601(status.newest));
  }
  if (!status.removal_waits) return out;
  if (!out.empty()) out += "; ";
  const std::string by = in_words(status.wall - status.removal);
  out += status.starting
             ? fmt::format(
                   "the clock says {}, {} after the last run: what is due since then is removed in {}, when a "
                   "time service has had the time to set the clock",
                   iso8601(status.wall), by, in_words(status.believed_in))
             : fmt::format(
                   "the clock was set ahead by {}, to {}: what is due by that alone is removed in {}, unless "
                   "the clock is set back",
                   by, iso8601(status.wall), in_words(status.believed_in));
  return out;
}

ClockWatch::ClockWatch(const std::optional<ClockRecord>& before, const ClockReading& now)
    : newest_(before ? before->newest : now.wall),
      last_(now),
      trusted_offset_(offset_of(now)),
      in_step_since_(now.since_boot),
      proof_(kProof) {
  if (!before) return;
  const bool jumped = before->last.wall - before->trusted > kJump;
  if (is_same_boot(before->last, now)) {
    last_ = before->last;
    trusted_offset_ = before->trusted.time_since_epoch() - last_.since_boot;
    in_step_since_ = before->in_step_since;
    proof_ = before->proof;
    behind_ = is_behind(last_.wall);
    ahead_ = jumped;
    return;
  }
  // At least that late; how long the machine was off, nobody knows.
  trusted_offset_ = before->trusted.time_since_epoch() - now.since_boot;
  ahead_ = jumped && before->proof == kProof;  // a boot makes it no more likely
  compares_runs_ = !ahead_;
}

ClockStatus ClockWatch::look(const ClockReading& now) {
  const milliseconds offset = offset_of(now);
  if (std::chrono::abs(offset - offset_of(last_)) > kJump) in_step_since_ = now.since_boot;
  last_ = now;
  const bool was_behind = std::exchange(behind_, is_behind(now.wall));
  const bool was_ahead = std::exchange(ahead_, offset - trusted_offset_ > kJump);
  if (ahead_ && !was_ahead) {
    const bool just_set = compares_runs_ || was_behind || now.since_boot < kStarting;
    proof_ = just_set ? kStarting : milliseconds(kProof);
  }
  compares_runs_ = false;
  if (behind_) return status();
  if (!ahead_ || now.since_boot - in_step_since_ >= proof_) believe(now);
  return status();
}

void ClockWatch::confirm(const ClockReading& now) {
  last_ = now;
  in_step_since_ = now.since_boot;
  newest_ = now.wall;
  believe(now);
}

ClockRecord ClockWatch::record() const {
  return {.newest = newest_,
          .last = last_,
          .trusted = Instant(trusted_offset_ + last_.since_boot),
          .in_step_since = in_step_since_,
          .proof = proof_};
}

bool ClockWatch::is_behind(Instant wall) const { return wall + kTolerance < newest_; }

void ClockWatch::believe(const ClockReading& now) {
  trusted_offset_ = offset_of(now);
  newest_ = std::max(newest_, now.wall);
  behind_ = false;
  ahead_ = false;
}

ClockStatus ClockWatch::status() const {
  ClockStatus out{
      .mail_waits = behind_, .removal_waits = ahead_, .wall = last_.wall, .newest = newest_, .removal = last_.wall};
  if (behind_) out.state = ClockState::behind;
  if (!ahead_) return out;
  if (!behind_) out.state = ClockState::ahead;
  out.starting = proof_ == kStarting;
  out.removal = std::min(last_.wall, Instant(trusted_offset_ + last_.since_boot));
  out.believed_in = std::max(proof_ - (last_.since_boot - in_step_since_), milliseconds(0));
  return out;
}

}  // namespace s3link::delivery
