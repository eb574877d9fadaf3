#pragma once

#include "apps/s3link/doctor_report.hpp"
#include "core/base/instant.hpp"
#include "core/config/load.hpp"

namespace s3link::app {

/// server.tls_certificate: can be read, fits its key, is within its days, and is made out to the name in links.
void check_certificate(const config::Loaded& loaded, Instant now, DoctorReport& report);

}  // namespace s3link::app
