#pragma once

#include <functional>

#include "apps/s3link/configuration.hpp"

namespace CLI {
class App;
}

namespace s3link::app {

struct KeyOptions {
  ConfigOptions config;
};

/// Declares `s3link key rotate`. What the parser found is left in `options` and `chosen`, which returns the exit
/// status; both must outlive `app`.
void declare_key(CLI::App& app, KeyOptions& options, std::function<int()>& chosen);

/// Exchanges the master key of a data folder that no server has open.
int rotate_key(const KeyOptions& options);

}  // namespace s3link::app
