#pragma once

#include "core/base/instant.hpp"
#include "core/metrics/family.hpp"
#include "ports/store_statistics.hpp"

namespace s3link::pipeline {

/// What the store holds at `now`: objects, outbox, dead letters, alarms and how telling their subscribers goes.
metrics::Families store_families(const ports::StoreStatistics& statistics, Instant now);

}  // namespace s3link::pipeline
