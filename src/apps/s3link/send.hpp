#pragma once

#include <string>
#include <vector>

#include "apps/s3link/configuration.hpp"

namespace s3link::app {

struct SendOptions {
  ConfigOptions config;
  std::vector<std::string> files;  ///< "-": standard input
  std::string key;                 ///< for one file; empty: the file's name
  bool wait = false;
  bool json = false;
};

/// Uploads the files and, with `wait`, shows what became of their mails. Returns the exit status.
int send(const SendOptions& options);

}  // namespace s3link::app
