#pragma once

#include "apps/s3link/configuration.hpp"
#include "apps/s3link/doctor_report.hpp"
#include "apps/s3link/relay_secrets.hpp"
#include "core/config/load.hpp"
#include "ports/awaitable.hpp"

namespace s3link::app {

/// Whether the relay of the links, and that of the alarms where it is another, would take mails from email.sender for
/// everybody who is to get some. All must outlive the awaitable.
Awaitable<void> check_relays(const config::Settings& settings, RelaySecrets& secrets, DoctorReport& report);

}  // namespace s3link::app
