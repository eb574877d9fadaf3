#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/mail/address.hpp"
#include "core/s3/names.hpp"

namespace s3link::function {

/// Whose key pair signs the links. A link dies with its signer's credentials, whatever it says itself.
enum class LinkSigner {
  role,      ///< the function's session: LinkExpirationPeriod up to 18000 s
  iam_user,  ///< an IAM user whose key pair is kept in Secrets Manager: up to 7 days
};

struct HostPort {
  std::string host;  ///< name or address, an IPv6 address without brackets
  std::uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
};

/// What the Lambda function is told about its work, checked: a value that is here is in its range, and values fit each
/// other. Endpoints and the session's key pair are read by adapters/aws.
struct Settings {
  static constexpr std::chrono::seconds kMaxExpiration{604'800};     ///< X-Amz-Expires: 7 days
  static constexpr std::chrono::seconds kMaxRoleExpiration{18'000};  ///< what a session is counted on to live

  std::vector<mail::Address> recipients;          ///< EmailRecipient: one, or more with commas between
  std::string sender;                             ///< EmailSender: an address, or a name with one in angle brackets
  std::string configuration_set;                  ///< EmailConfigurationSetName; empty: none
  std::string template_name;                      ///< EmailTemplateLinkName
  std::chrono::seconds link_expiration{};         ///< LinkExpirationPeriod: seconds
  std::chrono::days object_ttl{1};                ///< ExchangableObjectsTTL: days
  LinkSigner link_signer = LinkSigner::role;      ///< LinkSigner: "Role" or "IamUser"
  std::string link_signer_secret_arn;             ///< LinkSignerSecretArn; empty with `role`
  std::string ledger_table;                       ///< LedgerTableName; empty: no ledger, no sweep
  std::optional<s3::BucketName> exchange_bucket;  ///< FileExchangeBucketName: what the sweep lists
  std::string region;                             ///< AWS_REGION
  /// AWS_XRAY_DAEMON_ADDRESS: "host:port", or "tcp:host:port udp:host:port", of which the UDP one counts.
  std::optional<HostPort> xray_daemon;
};

/// The value of an environment variable; empty where it is not set.
using Environment = std::function<std::string(std::string_view name)>;

/// Reads and checks all of them. Returns every problem there is, each one sentence that names the variable.
/// Source: AWS Lambda Developer Guide, "Working with Lambda environment variables".
std::expected<Settings, std::vector<std::string>> read_settings(const Environment& environment);

/// "host:port", "[::1]:port", as in AWS_LAMBDA_RUNTIME_API. Errors: invalid_argument.
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace s3link::function
