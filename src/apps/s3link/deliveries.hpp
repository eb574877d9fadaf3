#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "apps/s3link/configuration.hpp"

namespace CLI {
class App;
}

namespace s3link::app {

struct DeliveriesOptions {
  ClientOptions client;
  std::string state;         ///< empty: all
  std::string key;           ///< empty: all
  std::string recipient;     ///< empty: all
  std::string since, until;  ///< a time, a day, or a duration before now; empty: any
  std::string after;         ///< where the last list said that there is more
  std::size_t limit = 100;
  bool json = false;
};

/// Declares `s3link deliveries`. What the parser found is left in `options` and `chosen`, which returns the exit
/// status; both must outlive `app`.
void declare_deliveries(CLI::App& app, DeliveriesOptions& options, std::function<int()>& chosen);

/// Shows what was mailed, to whom, when, and what was not. Returns the exit status.
int show_deliveries(const DeliveriesOptions& options);

}  // namespace s3link::app
