#pragma once

#include "apps/s3link/configuration.hpp"
#include "apps/s3link/doctor_report.hpp"
#include "core/base/instant.hpp"
#include "core/config/load.hpp"

namespace s3link::app {

/// The mail that a recipient would get: made from the template with the data of an invented file, and the times it
/// tells.
void check_link_mail(const config::Settings& settings, const NamedFiles& files, Instant now, DoctorReport& report);

/// Who hears of an alarm. The configuration's own warnings about that are told here.
void check_alarm_subscribers(const config::Loaded& loaded, DoctorReport& report);

}  // namespace s3link::app
