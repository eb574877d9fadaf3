#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ports/invocation_handler.hpp"

namespace s3link::lambda_runtime {

constexpr std::size_t kMaxErrorMessage = 2048;

/// The body of an error report: {"errorType":…,"errorMessage":…,"stackTrace":[]}. Valid JSON whatever the message
/// holds; it is cut to kMaxErrorMessage bytes. Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for
/// custom runtimes", "Invocation error".
std::string error_document(const ports::InvocationError& error);

/// The error's type as the header Lambda-Runtime-Function-Error-Type: what is no letter, digit, '.', '_' or '-' becomes
/// '_', at most 256 of them.
std::string error_type_field(std::string_view type);

}  // namespace s3link::lambda_runtime
