#include "core/delivery/decision.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/mail/smtp_verdict.hpp"

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;
using mail::FailureScope;

bool is_refused(const Failure& failure) {
  const bool about_the_mail = failure.scope == FailureScope::message || failure.scope == FailureScope::recipient;
  return about_the_mail && is_permanent(failure.error.kind);
}

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
  std::vector<Reason> refused;     ///< for good
  std::vector<Failure> passing;    ///< may pass, and is the mail's own
  std::vector<Failure> ours;       ///< may pass, and is not
  std::vector<Failure> relay;      ///< the same, and the relay's state says when
  std::vector<Failure> not_tried;  ///< no failure
  bool unconfirmed = false;
  bool counts = false;  ///< as an attempt

  bool may_pass() const { return !passing.empty() || !ours.empty() || !relay.empty() || !not_tried.empty(); }
  std::vector<Failure>& of(FailureScope scope) {
    switch (scope) {
      case FailureScope::message:
      case FailureScope::recipient:
        return passing;
      case FailureScope::ours:
        return ours;
      case FailureScope::relay:
        return relay;
      case FailureScope::nobody:
        break;
    }
    return not_tried;
  }
};

Sorted sort(const std::vector<Failure>& failures) {
  Sorted out;
  for (const Failure& failure : failures) {
    if (is_refused(failure)) {
      out.refused.push_back(to_reason(failure));
      continue;
    }
    std::vector<Failure>& sort = out.of(failure.scope);
    sort.push_back(failure);
    out.unconfirmed = out.unconfirmed || failure.may_have_been_taken;
    out.counts = out.counts || (&sort == &out.passing && !failure.may_have_been_taken);
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

/// What is not counted waits for as long again as it has waited, within bounds, with the jitter of backoff().
Instant::duration as_long_again(const Life& life, Instant now, std::chrono::milliseconds shortest,
                                std::chrono::milliseconds longest, std::uint64_t random) {
  const auto age = std::chrono::floor<std::chrono::milliseconds>(now - life.since);
  const auto wait = std::clamp(age, shortest, std::max(shortest, longest));
  return backoff({.max_attempts = 0, .first_retry = wait, .max_retry = wait}, 1, random);
}

std::vector<Failure> tried(const std::vector<Failure>& failures) {
  std::vector<Failure> out;
  std::ranges::copy_if(failures, std::back_inserter(out),
                       [](const Failure& failure) { return failure.scope != FailureScope::nobody; });
  return out;
}

Action after_failure(const RetryPolicy& policy, const Life& life, const Failed& failed, Instant now,
                     std::uint64_t random) {
  const Sorted sorted = sort(failed.failures);
  const Instant end = gives_up_at(policy, life.since, life.removal);
  if (!sorted.may_pass() || now >= end) return dead_letter(life, failed, sorted);
  if (sorted.passing.empty() && sorted.ours.empty()) {
    if (!sorted.relay.empty()) return Postpone{now, sorted.refused};
    return Postpone{std::min(now + as_long_again(life, now, kShortestWait, kLongestWait, random), end), sorted.refused};
  }
  const unsigned attempts = life.failed_before + 1;
  if (sorted.counts && policy.max_attempts != 0 && attempts >= policy.max_attempts)
    return dead_letter(life, failed, sorted);
  Instant::duration wait = sorted.counts ? backoff(policy, attempts, random)
                                         : as_long_again(life, now, policy.first_retry, policy.max_retry, random);
  Reason reason = combine(tried(failed.failures));
  if (sorted.unconfirmed) {
    wait = std::max(wait, std::min<Instant::duration>(kUnconfirmedWait, (end - now) / 2));
    reason.kind = "unconfirmed";
  }
  return Retry{std::min(now + wait, end), std::move(reason), sorted.refused, sorted.counts};
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
