#pragma once

#include "core/config/settings.hpp"
#include "ports/clock.hpp"
#include "services/pipeline/clock_guard.hpp"

namespace s3link::app {

/// For the guard of `s3link serve`: reads the machine's clocks; an operator confirms the time of day by making the file
/// data_dir/clock-confirmed, which is removed when it is seen. The clock must outlive it.
pipeline::ClockGuardSettings clock_guard_settings(const config::Settings& settings, const ports::Clock& clock);

}  // namespace s3link::app
