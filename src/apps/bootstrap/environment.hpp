#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "adapters/aws/endpoint.hpp"
#include "core/function/settings.hpp"
#include "core/sigv4/credentials.hpp"
#include "ports/logger.hpp"

namespace s3link::bootstrap {

/// What the process is told by its environment variables, checked.
struct Environment {
  function::Settings settings;
  std::shared_ptr<const sigv4::Credentials> role;  ///< the key pair of the function's role
  aws::Endpoint ses;
  aws::Endpoint dynamodb;
  aws::Endpoint secrets_manager;
  aws::Endpoint s3;
  std::string ca_file;  ///< AWS_CA_BUNDLE: PEM file with the roots to trust; empty: as Trust says
};

/// Reads and checks all of them. Returns every problem there is, each one sentence that names the variable.
std::expected<Environment, std::vector<std::string>> read_environment(const aws::Variables& variables);

/// How lines are written; nothing here can be wrong.
struct LogEnvironment {
  ports::LogLevel level;      ///< AWS_LAMBDA_LOG_LEVEL, set where the log format is JSON
  std::string metrics_level;  ///< what metrics pass Lambda's filter as: "INFO", or the function's level where higher
  std::string function_name;  ///< AWS_LAMBDA_FUNCTION_NAME; may be empty
};
LogEnvironment read_log_environment(const aws::Variables& variables);

/// AWS_LAMBDA_RUNTIME_API. Errors: invalid_argument.
Result<function::HostPort> runtime_api(const aws::Variables& variables);

}  // namespace s3link::bootstrap
