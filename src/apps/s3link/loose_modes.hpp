#pragma once

#include <string>
#include <vector>

#include "core/config/load.hpp"

namespace s3link::app {

/// What lets other users of this machine at the data, one sentence each: the data folder's mode, and those of the TLS
/// key and of a configuration file with a secret in it. For a warning at start: the server works all the same.
std::vector<std::string> loose_modes(const config::Loaded& loaded);

}  // namespace s3link::app
