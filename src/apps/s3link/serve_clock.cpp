#include "apps/s3link/serve_clock.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "adapters/system/boot_clock.hpp"
#include "apps/s3link/wording.hpp"

namespace s3link::app {
namespace {

/// Whether the file was there; it is gone then, so that it confirms nothing that is still to come.
Result<bool> take(const std::filesystem::path& file) {
  std::error_code error;
  const bool removed = std::filesystem::remove(file, error);
  if (error) return fail(ErrorKind::internal, "cannot remove " + file.string() + ": " + error.message());
  return removed;
}

}  // namespace

pipeline::ClockGuardSettings clock_guard_settings(const config::Settings& settings, const ports::Clock& clock) {
  const auto file = std::filesystem::absolute(settings.server.data_dir).lexically_normal() / "clock-confirmed";
  return {.read =
              [&clock, boot = system::boot_id([](const char* name) -> const char* { return std::getenv(name); })] {
                return delivery::ClockReading{.wall = clock.now(), .since_boot = system::since_boot(), .boot_id = boot};
              },
          .take_confirmation = [file] { return take(file); },
          .how_to_confirm = "touch " + quoted_for_shell(file.string())};
}

}  // namespace s3link::app
