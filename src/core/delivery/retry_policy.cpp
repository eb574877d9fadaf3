#include "core/delivery/retry_policy.hpp"

#include <algorithm>

namespace s3link::delivery {

std::chrono::milliseconds backoff(const RetryPolicy& policy, unsigned failed_attempts, std::uint64_t random) {
  auto wait = std::min(policy.first_retry, policy.max_retry);
  for (unsigned i = 1; i < failed_attempts && wait < policy.max_retry; ++i) {
    wait = wait > policy.max_retry / 2 ? policy.max_retry : wait * 2;
  }
  const auto half = static_cast<std::uint64_t>(wait.count()) / 2;
  return wait - std::chrono::milliseconds(random % (half + 1));
}

Instant gives_up_at(const RetryPolicy& policy, Instant since, std::optional<Instant> removal) {
  const auto most = std::chrono::floor<std::chrono::milliseconds>(Instant::max() - since);
  const Instant by_time = since + std::min(policy.give_up_after, most);
  if (!removal) return by_time;
  if (*removal <= since) return std::min(by_time, *removal);
  const auto left_to_people = std::min<Instant::duration>((*removal - since) / 24, std::chrono::hours(1));
  return std::min(by_time, *removal - left_to_people);
}

bool is_permanent(ErrorKind kind) noexcept { return kind == ErrorKind::denied || kind == ErrorKind::invalid_argument; }

}  // namespace s3link::delivery
