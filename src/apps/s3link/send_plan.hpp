#pragma once

#include <string>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "ports/random.hpp"

namespace s3link::app {

/// What names the objects of one `s3link send`.
struct SendRequest {
  std::vector<std::string> files = {};  ///< as on the command line; "-": standard input
  std::string key = {};                 ///< for one file; empty: the file's name
  std::string prefix = {};              ///< put in front of every key as it is
  bool unique = false;                  ///< a new folder for each of `files`
  bool recursive = false;               ///< folders with all that is below them
};

struct PlannedFile {
  std::string name;  ///< to open it by
  std::string key;
};

struct SendPlan {
  std::vector<PlannedFile> files;    ///< no key twice
  std::vector<std::string> skipped;  ///< found in folders, and neither files nor folders; why, for people
};

/// Which file goes under which key, before anything is sent. A file's key is its name; a file in a folder keeps its
/// path from that folder on ("photos/2026/a.jpg"). With `unique` a folder of the day and 80 random bits comes before it
/// ("20261128-k3v9x2mqp4tzq7wa/a.jpg"), the same for all that is in one folder. Symbolic links to files are followed,
/// those to folders are not.
/// Errors: invalid_argument (two files would get one key; a folder without `recursive`; `key` with several files or a
/// folder; standard input without a key), denied and internal (a folder cannot be read).
Result<SendPlan> plan_send(const SendRequest& request, ports::Random& random, Instant now);

}  // namespace s3link::app
