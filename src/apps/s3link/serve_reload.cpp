#include "apps/s3link/serve_reload.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "adapters/http_server/server.hpp"
#include "adapters/system/queued_logger.hpp"
#include "apps/s3link/credentials_file.hpp"
#include "apps/s3link/relay_secrets.hpp"
#include "core/config/changes.hpp"
#include "services/link/mailer.hpp"
#include "services/pipeline/relay_gate.hpp"

namespace s3link::app {
namespace {

using ports::LogLevel;

/// The settings that run() takes over.
constexpr std::array<std::string_view, 2> kReloaded = {"email.template_dir", "log.level"};
/// The settings whose files run() takes over, as long as they name the same files.
constexpr std::array<std::string_view, 4> kReloadedFiles = {
    "email.password_file", "alarm.password_file", "email.oauth.client_secret_file", "email.oauth.refresh_token_file"};

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      break;
  }
  return "error";
}

bool is_among(std::string_view name, const auto& names) { return std::ranges::find(names, name) != names.end(); }

}  // namespace

LogLevel log_level(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::debug:
      return LogLevel::debug;
    case config::LogLevel::info:
      return LogLevel::info;
    case config::LogLevel::warning:
      return LogLevel::warning;
    case config::LogLevel::error:
      break;
  }
  return LogLevel::error;
}

void ServeReload::run() {
  const auto fresh = load_configuration(options_);
  if (fresh) {
    reload_level(*fresh);
    warn_of_the_rest(*fresh);
  } else {
    report("configuration", fresh.error());
  }
  // A configuration that cannot be read does not keep new templates and certificates from the folders of the old one.
  reload_templates(fresh ? *fresh : in_force_);
  reload_tls();
  reload_secrets(in_force_);
  reload_keys();
  relay_.probe_now();
}

void ServeReload::reload_level(const config::Loaded& fresh) {
  const LogLevel level = log_level(fresh.settings.log.level);
  // Whichever of the two levels lets the line through.
  if (level <= LogLevel::info) logger_.set_level(level);
  logger_.log(LogLevel::info, "log level read again", {{"log_level", std::string(name_of(level))}});
  logger_.set_level(level);
}

void ServeReload::reload_templates(const config::Loaded& fresh) {
  // A new language needs a restart: this template's and the words of its values would be of two.
  auto read = read_link_template(fresh, in_force_.settings.email.language);
  if (!read) return report("mail templates", read.error());
  mailer_.use_template(std::move(*read));
  const auto& folder = fresh.settings.email.template_dir;
  logger_.log(LogLevel::info, "mail templates read again", {{"folder", folder ? folder->string() : "built in"}});
}

void ServeReload::reload_tls() {
  if (!in_force_.settings.server.tls_certificate) return;
  const Status reloaded = server_.reload_tls();
  if (reloaded) {
    logger_.log(LogLevel::info, "TLS certificate read again", {});
  } else {
    logger_.log(LogLevel::error, "TLS certificate not reloaded", {{"reason", reloaded.error().message}});
  }
}

void ServeReload::reload_secrets(const config::Loaded& settings) {
  auto read = read_named_secrets(settings);
  if (!read) return report("relay secrets", read.error());
  std::vector<std::string> taken = changed_secrets(secrets_, *read);
  std::erase_if(taken, [](const std::string& name) { return !is_among(name, kReloadedFiles); });
  if (taken.empty()) return;
  relay_secrets_.use(*read);
  logger_.log(LogLevel::info, "relay secrets read again", {{"settings", fmt::format("{}", fmt::join(taken, ", "))}});
  Secret webhook = std::move(secrets_.webhook_secret);  // that one needs a restart
  secrets_ = std::move(*read);
  secrets_.webhook_secret = std::move(webhook);
}

void ServeReload::reload_keys() {
  const config::Settings& settings = in_force_.settings;
  if (!settings.auth.access_key_id.empty()) return;
  auto stored = read_credentials(settings.server.data_dir / "credentials");
  if (!stored) {
    logger_.log(LogLevel::error, "access key not reloaded", {{"reason", stored.error().message}});
    return;
  }
  std::vector<std::string> old;
  for (const sigv4::OldCredentials& key : stored->old) {
    old.push_back(fmt::format("{} until {}", key.credentials.access_key_id, iso8601(key.valid_until)));
  }
  std::vector<ports::LogField> fields{{"access_key_id", stored->current.access_key_id}};
  if (!old.empty()) fields.push_back({"old_access_keys", fmt::format("{}", fmt::join(old, ", "))});
  keys_.replace(std::move(stored->current), std::move(stored->old));
  logger_.log(LogLevel::info, "access key read again", std::move(fields));
}

void ServeReload::warn_of_the_rest(const config::Loaded& fresh) {
  std::vector<std::string> rest = config::changed_settings(in_force_, fresh);
  std::erase_if(rest, [](const std::string& name) { return is_among(name, kReloaded); });
  if (const auto secrets = read_named_secrets(fresh)) {
    for (std::string& name : changed_secrets(secrets_, *secrets)) {
      if (!is_among(name, kReloadedFiles) && !is_among(name, rest)) rest.push_back(std::move(name));
    }
  }
  if (rest.empty()) return;
  logger_.log(LogLevel::warning, "needs a restart", {{"settings", fmt::format("{}", fmt::join(rest, ", "))}});
}

void ServeReload::report(std::string_view part, const std::vector<config::Problem>& problems) {
  std::vector<std::string> texts;
  for (const config::Problem& problem : problems) texts.push_back(problem.text());
  logger_.log(LogLevel::error, fmt::format("{} not reloaded", part),
              {{"reason", fmt::format("{}", fmt::join(texts, "; "))}});
}

}  // namespace s3link::app
