#pragma once

#include <chrono>
#include <string>

namespace s3link::system {

/// Since the machine was started; never set, and goes on while it sleeps (CLOCK_BOOTTIME). Thread-safe.
std::chrono::milliseconds since_boot() noexcept;

/// Another one after each boot: of /proc, or of the variable BOOT_ID where a service manager hides /proc (systemd:
/// `%b`). The same text however it is written there. Empty: unknown. `lookup` is getenv.
std::string boot_id(const char* (*lookup)(const char* name));

}  // namespace s3link::system
