#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/config/load.hpp"
#include "core/mail/link_template.hpp"

namespace CLI {
class App;
}

namespace s3link::app {

/// Where a command's settings come from, besides the environment. Empty: not given.
struct ConfigOptions {
  std::string config_file;  ///< --config, else S3LINK_CONFIG
  std::string data_dir;     ///< --data-dir
  std::string listen;       ///< --listen, `serve` only
};

/// Declares --config and --data-dir.
void add_config_options(CLI::App& command, ConfigOptions& options);

/// Reads the file and the environment.
std::expected<config::Loaded, std::vector<config::Problem>> load_configuration(const ConfigOptions& options);

/// The secret in a file: its first line, without a byte order mark before it. Errors: read_file()'s; invalid_argument
/// (that line is empty). The message names the file.
Result<Secret> read_secret_file(const std::filesystem::path& file);

/// The secrets that settings name files for.
struct NamedSecrets {
  Secret relay_password;        ///< email.password_file
  Secret alarm_relay_password;  ///< alarm.password_file
  Secret webhook_secret;        ///< alarm.webhook_secret_file
  Secret oauth_client_secret;   ///< email.oauth.client_secret_file
  Secret oauth_refresh_token;   ///< email.oauth.refresh_token_file

  NamedSecrets clone() const;
};
/// The settings whose files hold something else in `after`.
std::vector<std::string> changed_secrets(const NamedSecrets& before, const NamedSecrets& after);
std::expected<NamedSecrets, std::vector<config::Problem>> read_named_secrets(const config::Loaded& loaded);

/// The template of email.template_dir, files it does not hold from the built-in one.
std::expected<mail::LinkTemplate, std::vector<config::Problem>> read_link_template(const config::Loaded& loaded);

/// What settings name files for, read and checked.
struct NamedFiles : NamedSecrets {
  mail::LinkTemplate link_template;
};
/// Reads the templates, the relays' passwords and the webhook's secret; makes sure that the TLS files can be read.
std::expected<NamedFiles, std::vector<config::Problem>> read_named_files(const config::Loaded& loaded);

/// Prints all problems to standard error; returns the exit status for wrong configuration.
int report_problems(const std::vector<config::Problem>& problems);

}  // namespace s3link::app
