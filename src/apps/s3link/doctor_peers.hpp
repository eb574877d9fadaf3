#pragma once

#include "apps/s3link/doctor_report.hpp"
#include "core/config/settings.hpp"
#include "ports/awaitable.hpp"
#include "ports/http_client.hpp"

namespace s3link::app {

/// Whether the webhook's host takes connections (nothing is posted), and those who get traces are there. All must
/// outlive the awaitable.
Awaitable<void> check_peers(const config::Settings& settings, ports::HttpClient& http, DoctorReport& report);

}  // namespace s3link::app
