#include "core/delivery/decision.hpp"

#include <algorithm>
#include <utility>

#include "core/mail/smtp_verdict.hpp"

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;

bool is_relay(const Failure& failure) { return failure.scope == mail::FailureScope::relay; }
bool is_refused(const Failure& failure) { return !is_relay(failure) && is_permanent(failure.error.kind); }

Reason to_reason(const Failure& failure) {
  return {std::string(to_string(failure.error.kind)), failure.error.message, failure.recipient, failure.reply};
}

std::string kind_of_relay(const Failure& failure) {
  return mail::refuses_login({failure.error, failure.scope}) ? "relay_login" : "relay_unavailable";
}

/// For an entry whose event is being delivered: whatever the policy, that may be over soon.
constexpr RetryPolicy kLookAgain{.max_attempts = 0, .first_retry = 1s, .max_retry = 1s};

/// A hundred recipients are allowed, and each attempt's texts are kept.
constexpr std::size_t kMostBytes = 4'000;
constexpr std::string_view kAndMore = "…";

void append(std::string& list, std::string_view separator, std::string_view more) {
  if (more.empty() || list.ends_with(kAndMore)) return;
  if (!list.empty()) list += separator;
  list += list.size() + more.size() > kMostBytes ? kAndMore : more;
}

Reason joined(const std::vector<Reason>& reasons, const Reason& decisive) {
  Reason all{decisive.kind, {}, {}, {}};
  for (const Reason& reason : reasons) {
    append(all.message, "; ", reason.message);
    append(all.recipient, ", ", reason.recipient);
    append(all.reply, "; ", reason.reply);
  }
  return all;
}

/// What an attempt came to, by what is to be done about it.
struct Sorted {
  std::vector<Reason> refused;   ///< for good
  std::vector<Failure> passing;  ///< may pass, and counts as an attempt
  std::vector<Failure> relay;    ///< may pass, and does not
  bool unconfirmed = false;
};

Sorted sort(const std::vector<Failure>& failures) {
  Sorted out;
  for (const Failure& failure : failures) {
    if (is_refused(failure)) {
      out.refused.push_back(to_reason(failure));
    } else {
      (is_relay(failure) ? out.relay : out.passing).push_back(failure);
    }
    out.unconfirmed = out.unconfirmed || failure.may_have_been_taken;
  }
  return out;
}

/// Names the recipients that were refused before, too.
DeadLetter dead_letter(const Life& life, const Failed& failed, const Sorted& sorted) {
  std::vector<Reason> all = life.refused;
  for (const Failure& failure : failed.failures) all.push_back(to_reason(failure));
  Reason decisive = combine(failed.failures);
  if (sorted.passing.empty() && !sorted.relay.empty()) decisive.kind = kind_of_relay(sorted.relay.front());
  return {joined(all, decisive)};
}

Action after_failure(const RetryPolicy& policy, const Life& life, const Failed& failed, Instant now,
                     std::uint64_t random) {
  const Sorted sorted = sort(failed.failures);
  const Instant end = gives_up_at(policy, life.since, life.removal);
  if ((sorted.passing.empty() && sorted.relay.empty()) || now >= end) return dead_letter(life, failed, sorted);
  if (sorted.passing.empty()) return Postpone{now, sorted.refused};
  const unsigned attempts = life.failed_before + 1;
  if (policy.max_attempts != 0 && attempts >= policy.max_attempts) return dead_letter(life, failed, sorted);
  auto wait = std::chrono::duration_cast<Instant::duration>(backoff(policy, attempts, random));
  Reason reason = combine(failed.failures);
  if (sorted.unconfirmed) {
    wait = std::max(wait, std::min<Instant::duration>(kUnconfirmedWait, (end - now) / 2));
    reason.kind = "unconfirmed";
  }
  return Retry{std::min(now + wait, end), std::move(reason), sorted.refused};
}

}  // namespace

Action next(const RetryPolicy& policy, const Life& life, const Outcome& outcome, Instant now, std::uint64_t random) {
  if (const auto* const dropped = std::get_if<Dropped>(&outcome)) return Drop{dropped->rule};
  if (const auto* const undeliverable = std::get_if<Undeliverable>(&outcome)) return DeadLetter{undeliverable->reason};
  if (const auto* const failed = std::get_if<Failed>(&outcome)) {
    return after_failure(policy, life, *failed, now, random);
  }
  if (const auto* const held = std::get_if<Held>(&outcome)) return Postpone{held->until};
  if (std::holds_alternative<InHand>(outcome)) return Postpone{now + backoff(kLookAgain, 1, random)};
  if (!life.refused.empty()) return DeadLetter{joined(life.refused, life.refused.front())};
  return Complete{};
}

Reason combine(const std::vector<Failure>& failures) {
  std::vector<Reason> reasons;
  for (const Failure& failure : failures) reasons.push_back(to_reason(failure));
  const auto passing = std::ranges::find_if(failures, [](const Failure& f) { return !is_permanent(f.error.kind); });
  const auto decisive = passing == failures.end() ? 0 : passing - failures.begin();
  return joined(reasons, reasons.at(static_cast<std::size_t>(decisive)));
}

bool is_linkable(std::string_view key) noexcept {
  while (true) {
    const auto slash = key.find('/');
    const std::string_view segment = key.substr(0, slash);
    if (segment == "." || segment == "..") return false;
    if (slash == std::string_view::npos) return true;
    key.remove_prefix(slash + 1);
  }
}

}  // namespace s3link::delivery
