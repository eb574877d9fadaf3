#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/s3link/configuration.hpp"

namespace CLI {
class App;
}

namespace s3link::app {

struct SendOptions {
  ClientOptions client;
  std::vector<std::string> files;  ///< "-": standard input
  std::string key;                 ///< for one file; empty: the file's name
  std::string prefix;              ///< of every key
  bool unique = false;
  bool recursive = false;
  bool wait = false;
  std::string timeout;  ///< a duration; empty: a quarter of an hour for each file
  bool quiet = false;
  bool json = false;
};

/// Declares `s3link send`. What the parser found is left in `options` and `chosen`, which returns the exit status; both
/// must outlive `app`.
void declare_send(CLI::App& app, SendOptions& options, std::function<int()>& chosen);

/// Uploads the files and, with `wait`, shows what became of their mails. Returns the exit status.
int send(const SendOptions& options);

}  // namespace s3link::app
