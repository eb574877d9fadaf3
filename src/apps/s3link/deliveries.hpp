#pragma once

#include <cstddef>
#include <string>

#include "apps/s3link/configuration.hpp"

namespace s3link::app {

struct DeliveriesOptions {
  ClientOptions client;
  std::string state;  ///< empty: all
  std::size_t limit = 100;
  bool json = false;
};

/// Shows what was mailed, to whom, when, and what was not. Returns the exit status.
int show_deliveries(const DeliveriesOptions& options);

}  // namespace s3link::app
