#pragma once

#include "apps/s3link/configuration.hpp"

namespace s3link::app {

/// `config init`: prints the whole configuration file with comments.
int print_config_file();
/// `config check`: lists every problem there is, including those of the files that settings name.
int check_config(const ConfigOptions& options);
/// `config show`: prints the effective values with their sources, secrets masked.
int show_config(const ConfigOptions& options, bool json);

}  // namespace s3link::app
