#pragma once

#include <functional>
#include <string>

#include "apps/s3link/configuration.hpp"

namespace CLI {
class App;
}

namespace s3link::app {

struct BackupOptions {
  ConfigOptions config;
  std::string target;
  bool verify = false;
};

/// Declares `s3link backup`. What the parser found is left in `options` and `chosen`, which returns the exit status;
/// both must outlive `app`.
void declare_backup(CLI::App& app, BackupOptions& options, std::function<int()>& chosen);

/// Copies the data folder, beside its running server or without one; fails when something in it is damaged.
int back_up(const BackupOptions& options);
/// Reads a backup to its last byte; fails when something in it is damaged, and prints what.
int verify_backup(const BackupOptions& options);

}  // namespace s3link::app
