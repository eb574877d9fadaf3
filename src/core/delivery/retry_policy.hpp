#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"

namespace s3link::delivery {

/// How often and how late a failed delivery is tried again.
struct RetryPolicy {
  unsigned max_attempts = 0;  ///< failed ones, after which the event is given up; 0: no such bound
  std::chrono::milliseconds first_retry{1'000};
  std::chrono::milliseconds max_retry{300'000};
  std::chrono::milliseconds give_up_after = std::chrono::days(4);  ///< RFC 5321 §4.5.4.1
};

/// The wait after the `failed_attempts`th failure (1 or more): first_retry doubled with each further one, at most
/// max_retry, of which `random` takes away up to half, so that what failed together does not return together.
std::chrono::milliseconds backoff(const RetryPolicy& policy, unsigned failed_attempts, std::uint64_t random);

/// When a delivery that began at `since` is given up: after give_up_after, and in time before `removal` of its object,
/// so that there is a while to send it again by hand: a 24th of the object's life from `since` on, an hour at most.
Instant gives_up_at(const RetryPolicy& policy, Instant since, std::optional<Instant> removal);

/// Whether repeating is useless: denied and invalid_argument. Everything else may pass: a full disk, a bug that meets
/// another moment, a body that is restored.
bool is_permanent(ErrorKind kind) noexcept;

}  // namespace s3link::delivery
