#pragma once

#include <chrono>
#include <string>

#include "core/base/instant.hpp"
#include "core/doctor/finding.hpp"

namespace s3link::doctor {

/// How far this machine's clock is from the one that put `date` on an answer. `asked` and `answered` are by this
/// machine's clock. A Date has no fraction, so a second is never blamed. `peer` is for the message.
///
/// Over 5 minutes fails: SigV4 refuses requests that are 15 minutes away (Amazon S3 API Reference,
/// "RequestTimeTooSkewed"), and a deadline in a mail is wrong by as much. Over 30 seconds is a warning.
Finding check_clock(Instant date, Instant asked, Instant answered, const std::string& peer);

/// The certificate's days: not yet or no longer valid fails, less than 14 days left is a warning. `file` is for the
/// message.
Finding check_certificate_days(Instant not_before, Instant not_after, Instant now, const std::string& file);

}  // namespace s3link::doctor
