#pragma once

#include "apps/s3link/doctor_report.hpp"
#include "core/config/load.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/http_client.hpp"

namespace s3link::app {

/// Whether a server runs on the data folder and is ready; whether links can be followed; whether the clocks agree. All
/// must outlive the awaitable.
Awaitable<void> check_server(const config::Loaded& loaded, ports::HttpClient& http, ports::Clock& clock,
                             DoctorReport& report);

}  // namespace s3link::app
