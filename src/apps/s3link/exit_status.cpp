#include "apps/s3link/exit_status.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace s3link::app {

ExitStatus complain(ExitStatus status, std::string_view message) {
  std::fflush(stdout);
  fmt::print(stderr, "s3link: {}\n", message);
  return status;
}

}  // namespace s3link::app
