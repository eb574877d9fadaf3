#include "apps/s3link/config_command.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/process.hpp"
#include "core/config/render.hpp"

namespace s3link::app {

int print_config_file() {
  fmt::print("{}", config::render_file());
  return kDone;
}

int check_config(const ConfigOptions& options) {
  const auto loaded = load_configuration(options);
  if (!loaded) return report_problems(loaded.error());
  const auto files = read_named_files(*loaded);
  if (!files) return report_problems(files.error());
  for (const std::string& warning : loaded->warnings) fmt::print("warning: {}\n", warning);
  if (const auto warning = too_few_files(loaded->settings.server.max_connections)) {
    fmt::print("warning: {}\n", *warning);
  }
  fmt::print("the configuration is good\n");
  return kDone;
}

int show_config(const ConfigOptions& options, bool json) {
  const auto loaded = load_configuration(options);
  if (!loaded) return report_problems(loaded.error());
  fmt::print("{}",
             json ? config::render_effective_json(loaded->values) + "\n" : config::render_effective(loaded->values));
  return kDone;
}

}  // namespace s3link::app
