#pragma once

#include "adapters/aws/endpoint.hpp"

namespace s3link::bootstrap {

/// The life of the process: reads the environment, answers invocations until SIGTERM or SIGINT, and ends the process
/// with status 0, or 1 where the Runtime API has failed. Returns, with status 1, only where the function cannot start,
/// which Lambda has been told. Lines go to `output`, a descriptor.
int run(const aws::Variables& variables, int output);

}  // namespace s3link::bootstrap
