#pragma once

#include <chrono>
#include <string>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"

namespace s3link::system {

/// Whether the system knows a zone of that name ("Europe/Berlin", "UTC"): a file of /usr/share/zoneinfo.
/// Errors: invalid_argument, naming it.
Status check_time_zone(const std::string& name);

/// Makes it this process's zone; empty: the machine's (TZ, else /etc/localtime, else UTC). It changes the environment:
/// call it before there are threads. Errors: as check_time_zone().
Status use_time_zone(const std::string& name);

/// How far the process's zone is ahead of UTC at that moment. Thread safety: any number of calls at a time.
std::chrono::seconds utc_offset_at(Instant when);

}  // namespace s3link::system
