#pragma once

#include <string>

#include "apps/s3link/doctor_report.hpp"
#include "ports/awaitable.hpp"
#include "ports/text_records.hpp"

namespace s3link::app {

/// What receivers find in the DNS about mail from `domain`: SPF, DKIM (under `selector`, or common ones where it is
/// empty), DMARC. `records` and `report` must outlive the awaitable.
Awaitable<void> check_sender_domain(std::string domain, std::string selector, ports::TextRecords& records,
                                    DoctorReport& report);

}  // namespace s3link::app
