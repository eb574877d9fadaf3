#include "apps/bootstrap/environment.hpp"

#include <algorithm>
#include <utility>

#include "adapters/aws/environment_credentials.hpp"
#include "adapters/system/log_format.hpp"

namespace s3link::bootstrap {

namespace {

aws::Endpoint read_endpoint(aws::Service service, const std::string& region, const aws::Variables& variables,
                            std::vector<std::string>& problems) {
  auto endpoint = aws::endpoint_of(service, region, variables);
  if (endpoint) return std::move(*endpoint);
  // AWS_ENDPOINT_URL may be wrong for all of them.
  if (std::ranges::find(problems, endpoint.error().message) == problems.end()) {
    problems.push_back(std::move(endpoint.error().message));
  }
  return {};
}

void read_endpoints(const std::string& region, const aws::Variables& variables, Environment& out,
                    std::vector<std::string>& problems) {
  out.ses = read_endpoint(aws::Service::ses, region, variables, problems);
  out.dynamodb = read_endpoint(aws::Service::dynamodb, region, variables, problems);
  out.secrets_manager = read_endpoint(aws::Service::secrets_manager, region, variables, problems);
  out.s3 = read_endpoint(aws::Service::s3, region, variables, problems);
  if (!out.s3.base.empty()) {
    problems.emplace_back("AWS_ENDPOINT_URL_S3: has a path, which a link cannot begin with");
  }
}

}  // namespace

std::expected<Environment, std::vector<std::string>> read_environment(const aws::Variables& variables) {
  Environment out;
  std::vector<std::string> problems;
  if (auto settings = function::read_settings(variables)) {
    out.settings = std::move(*settings);
  } else {
    problems = std::move(settings.error());
  }
  if (auto role = aws::environment_credentials(variables)) {
    out.role = std::make_shared<const sigv4::Credentials>(std::move(*role));
  } else {
    problems.push_back(std::move(role.error().message));
  }
  // Without a region there are no hosts; that it is missing is among the problems already.
  if (const std::string region = variables("AWS_REGION"); !region.empty()) {
    read_endpoints(region, variables, out, problems);
  }
  out.ca_file = variables("AWS_CA_BUNDLE");
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return out;
}

LogEnvironment read_log_environment(const aws::Variables& variables) {
  const auto level = system::parse_lambda_level(variables("AWS_LAMBDA_LOG_LEVEL"));
  return {.level = level,
          .metrics_level = std::string(system::to_lambda_level(std::max(level, ports::LogLevel::info))),
          .function_name = variables("AWS_LAMBDA_FUNCTION_NAME")};
}

Result<function::HostPort> runtime_api(const aws::Variables& variables) {
  auto address = function::parse_host_port(variables("AWS_LAMBDA_RUNTIME_API"));
  if (!address) {
    return fail(ErrorKind::invalid_argument, "AWS_LAMBDA_RUNTIME_API: " + address.error().message +
                                                 "; this program is a runtime that AWS Lambda starts");
  }
  return address;
}

}  // namespace s3link::bootstrap
