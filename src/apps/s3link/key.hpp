#pragma once

#include <functional>
#include <string>

#include "apps/s3link/configuration.hpp"

namespace CLI {
class App;
}

namespace s3link::app {

struct KeyOptions {
  ConfigOptions config;
  bool access = false;   ///< the access key, not the master key
  std::string keep_old;  ///< a duration, or "0"; empty: as long as a mailed link may live
};

/// Declares `s3link key rotate`. What the parser found is left in `options` and `chosen`, which returns the exit
/// status; both must outlive `app`.
void declare_key(CLI::App& app, KeyOptions& options, std::function<int()>& chosen);

/// Exchanges the master key of a data folder that no server has open.
int rotate_master_key(const KeyOptions& options);

/// Exchanges the access key in data_dir/credentials, beside the running server, which takes it over, or without one.
int rotate_access_key(const KeyOptions& options);

}  // namespace s3link::app
