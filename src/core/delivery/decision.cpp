#include "core/delivery/decision.hpp"

#include <algorithm>

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;

Action after_failure(const RetryPolicy& policy, unsigned failed_before, const Failed& failure, Instant now,
                     std::uint64_t random) {
  const ErrorKind kind = failure.error.kind;
  Reason reason{std::string(to_string(kind)), failure.error.message, failure.recipient, failure.reply};
  const unsigned failed = failed_before + 1;
  if (is_permanent(kind) || failed >= policy.max_attempts) return DeadLetter{std::move(reason)};
  return Retry{now + backoff(policy, failed, random), std::move(reason)};
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

}  // namespace

Action next(const RetryPolicy& policy, unsigned failed_before, const Outcome& outcome, Instant now,
            std::uint64_t random) {
  if (const auto* const dropped = std::get_if<Dropped>(&outcome)) return Drop{dropped->rule};
  if (const auto* const undeliverable = std::get_if<Undeliverable>(&outcome)) return DeadLetter{undeliverable->reason};
  if (const auto* const failed = std::get_if<Failed>(&outcome)) {
    return after_failure(policy, failed_before, *failed, now, random);
  }
  if (std::holds_alternative<InHand>(outcome)) return Postpone{now + backoff(kLookAgain, 1, random)};
  return Complete{};
}

std::optional<Failed> combine(const std::vector<Failed>& failures) {
  if (failures.empty()) return std::nullopt;
  const auto passing = std::ranges::find_if(failures, [](const Failed& f) { return !is_permanent(f.error.kind); });
  const Error& decisive = passing == failures.end() ? failures.front().error : passing->error;
  Failed all{{decisive.kind, {}, decisive.code}};
  for (const Failed& failure : failures) {
    append(all.error.message, "; ", failure.error.message);
    append(all.recipient, ", ", failure.recipient);
    append(all.reply, "; ", failure.reply);
  }
  return all;
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
