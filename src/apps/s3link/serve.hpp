#pragma once

#include "apps/s3link/configuration.hpp"

namespace s3link::app {

/// Runs the bucket and its pipeline until SIGTERM or SIGINT; returns the exit status.
int serve(const ConfigOptions& options);

}  // namespace s3link::app
