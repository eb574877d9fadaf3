#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
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

/// What a command takes that talks to a server, which may be on another machine.
struct ClientOptions {
  ConfigOptions config;
  std::string endpoint;  ///< --endpoint
};

/// Declares --config and --data-dir.
void add_config_options(CLI::App& command, ConfigOptions& options);
/// The same, and --endpoint.
void add_client_options(CLI::App& command, ClientOptions& options);

/// Reads the file and the environment.
std::expected<config::Loaded, std::vector<config::Problem>> load_configuration(const ConfigOptions& options);
/// The sections that a command needs which does not serve: what is wrong in others does not keep it from working, and
/// their settings mean nothing.
std::expected<config::Loaded, std::vector<config::Problem>> load_sections(const ConfigOptions& options,
                                                                          std::vector<std::string_view> sections);
/// Whether somebody wrote the setting: it is not the default.
bool is_given(const config::Loaded& loaded, std::string_view section, std::string_view name);

/// The secret in a file: its first line, without a byte order mark before it. Errors: read_private_file()'s;
/// invalid_argument (that line is empty). The message names the file.
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

/// The template of email.template_dir; files it does not hold are those of the built-in one in `language`.
std::expected<mail::LinkTemplate, std::vector<config::Problem>> read_link_template(const config::Loaded& loaded,
                                                                                   Language language);

/// What settings name files for, read and checked.
struct NamedFiles : NamedSecrets {
  mail::LinkTemplate link_template;
};
/// Reads the templates, the relays' passwords and the webhook's secret; makes sure that the TLS files can be read.
std::expected<NamedFiles, std::vector<config::Problem>> read_named_files(const config::Loaded& loaded);

/// Prints all problems to standard error; returns the exit status for wrong configuration.
int report_problems(const std::vector<config::Problem>& problems);

}  // namespace s3link::app
