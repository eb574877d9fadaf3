#pragma once

#include <chrono>
#include <cstdint>

#include "core/base/result.hpp"

namespace s3link::delivery {

/// How often and how late a failed delivery is tried again.
struct RetryPolicy {
  unsigned max_attempts = 5;  ///< failed ones, after which the event is given up; 1 or more
  std::chrono::milliseconds first_retry{1'000};
  std::chrono::milliseconds max_retry{120'000};
};

/// The wait after the `failed_attempts`th failure (1 or more): first_retry doubled with each further one, at most
/// max_retry, of which `random` takes away up to half, so that what failed together does not return together.
std::chrono::milliseconds backoff(const RetryPolicy& policy, unsigned failed_attempts, std::uint64_t random);

/// Whether repeating is useless: denied and invalid_argument. Everything else may pass: a full disk, a bug that meets
/// another moment, a body that is restored.
bool is_permanent(ErrorKind kind) noexcept;

}  // namespace s3link::delivery
