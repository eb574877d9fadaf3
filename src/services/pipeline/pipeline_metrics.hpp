#pragma once

#include "core/delivery/clock_watch.hpp"
#include "core/delivery/relay_state.hpp"
#include "core/metrics/family.hpp"

namespace s3link::pipeline {

class DeadLetterRetention;
class Redrive;
struct DeliveryTally;
struct SweepTally;

/// What the parts of the pipeline counted since the start, as families.
metrics::Family delivery_family(const DeliveryTally& tally);
metrics::Families relay_families(const delivery::RelayStatus& status);
metrics::Family clock_family(const delivery::ClockStatus& status);
metrics::Families sweep_families(const SweepTally& tally);
metrics::Family removed_dead_letters_family(const DeadLetterRetention& retention, const Redrive& redrive);

}  // namespace s3link::pipeline
