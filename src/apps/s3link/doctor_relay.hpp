#pragma once

#include "apps/s3link/configuration.hpp"
#include "apps/s3link/doctor_report.hpp"
#include "core/config/load.hpp"
#include "ports/awaitable.hpp"

namespace s3link::app {

/// Whether the relay of the links, and that of the alarms where it is another, would take mails from email.sender for
/// everybody who is to get some. All must outlive the awaitable.
Awaitable<void> check_relays(const config::Settings& settings, const NamedFiles& files, DoctorReport& report);

}  // namespace s3link::app
