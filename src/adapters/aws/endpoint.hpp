#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link::aws {

enum class Service { ses, dynamodb, secrets_manager, s3 };

/// The service's name in a credential scope: "ses", "dynamodb", "secretsmanager", "s3".
std::string_view signing_name(Service service) noexcept;
/// The service's name in a trace: "SES", "DynamoDB", "SecretsManager", "S3".
std::string_view display_name(Service service) noexcept;

/// The value of an environment variable; empty where it is not set.
using Variables = std::function<std::string(std::string_view name)>;

/// Where a service is reached.
struct Endpoint {
  Service service = Service::s3;
  std::string scheme;  ///< "https", "http"
  std::string host;    ///< without port
  std::uint16_t port = 443;
  std::string base;     ///< encoded path that every target begins with; empty, or "/…" without '/' at the end
  bool custom = false;  ///< named by a variable: S3 buckets are then addressed by path

  /// The Host field: the port stands there when it is not the scheme's own.
  std::string authority() const;
};

/// AWS_ENDPOINT_URL_<SERVICE> (SESV2, DYNAMODB, SECRETS_MANAGER, S3), else AWS_ENDPOINT_URL, unless
/// AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true; else https://SERVICE.REGION.amazonaws.com (SES: email.REGION), with
/// .com.cn for the regions cn-*. A URL there is http or https, host, port and path, nothing else; http is for tests and
/// for endpoints inside a private network. Errors: invalid_argument, naming the variable.
/// Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints"; AWS General Reference, "Service
/// endpoints".
Result<Endpoint> endpoint_of(Service service, std::string_view region, const Variables& variables);

}  // namespace s3link::aws
