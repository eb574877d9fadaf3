#pragma once

#include <string>
#include <string_view>

namespace s3link::app {

/// What every command ends with.
enum ExitStatus : int { kDone = 0, kFailed = 1, kWrongUse = 2, kInterrupted = 130 };

/// "s3link: MESSAGE".
std::string complaint(std::string_view message);

/// Prints complaint(MESSAGE) to standard error, which may take it or not, and returns the status.
ExitStatus complain(ExitStatus status, std::string_view message);

/// What a command that ended with `status` ends with once its output is out: kFailed where standard output did not take
/// all of it, which is said unless nobody reads it any more.
int finish_output(int status);

}  // namespace s3link::app
