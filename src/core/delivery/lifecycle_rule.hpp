#pragma once

#include <chrono>

#include "core/base/instant.hpp"

namespace s3link::delivery {

/// When Amazon S3 removes an object under a lifecycle rule of `days` days, at the earliest: the days are added to its
/// creation, and the result is rounded up to the next midnight UTC. One created at midnight stays where it is.
/// Source: Amazon S3 User Guide, "Lifecycle configuration elements", "Lifecycle rules: Based on an object's age".
Instant s3_removal(Instant created, std::chrono::days days);

}  // namespace s3link::delivery
