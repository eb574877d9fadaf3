#include "core/delivery/decision.hpp"

#include <algorithm>

namespace s3link::delivery {
namespace {

Action after_failure(const RetryPolicy& policy, unsigned failed_before, const Error& error, Instant now,
                     std::uint64_t random) {
  Reason reason{std::string(to_string(error.kind)), error.message};
  const unsigned failed = failed_before + 1;
  if (is_permanent(error.kind) || failed >= policy.max_attempts) return DeadLetter{std::move(reason)};
  return Retry{now + backoff(policy, failed, random), std::move(reason)};
}

}  // namespace

Action next(const RetryPolicy& policy, unsigned failed_before, const Outcome& outcome, Instant now,
            std::uint64_t random) {
  if (const auto* const dropped = std::get_if<Dropped>(&outcome)) return Drop{dropped->rule};
  if (const auto* const undeliverable = std::get_if<Undeliverable>(&outcome)) return DeadLetter{undeliverable->reason};
  if (const auto* const failed = std::get_if<Failed>(&outcome)) {
    return after_failure(policy, failed_before, failed->error, now, random);
  }
  return Complete{};
}

std::optional<Error> combine(const std::vector<Error>& errors) {
  if (errors.empty()) return std::nullopt;
  const auto passing = std::ranges::find_if(errors, [](const Error& e) { return !is_permanent(e.kind); });
  Error all = passing == errors.end() ? errors.front() : *passing;
  all.message.clear();
  for (const Error& error : errors) {
    if (!all.message.empty()) all.message += "; ";
    all.message += error.message;
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
