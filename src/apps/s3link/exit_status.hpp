#pragma once

#include <string_view>

namespace s3link::app {

/// What every command ends with.
enum ExitStatus : int { kDone = 0, kFailed = 1, kWrongUse = 2, kInterrupted = 130 };

/// Prints "s3link: MESSAGE" to standard error and returns the status.
ExitStatus complain(ExitStatus status, std::string_view message);

}  // namespace s3link::app
