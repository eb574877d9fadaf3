#include "apps/s3link/configuration.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "adapters/system/time_zone.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/files.hpp"
#include "apps/s3link/wording.hpp"
#include "core/base/secret_file.hpp"

namespace s3link::app {
namespace {

constexpr std::size_t kMaxConfigBytes = 4 << 20;
constexpr std::size_t kMaxTemplateBytes = 1 << 20;
constexpr std::size_t kMaxPasswordBytes = 16384;  // refresh tokens are long

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos && text.starts_with("S3LINK_")) {
      out.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return out;
}

/// Collects problems of files, each shown where the setting that names the file stands.
class FileProblems {
 public:
  explicit FileProblems(const config::Loaded& loaded) : loaded_(loaded) {}

  void add(std::string_view section, std::string_view name, std::string message) {
    for (const config::EffectiveValue& value : loaded_.values) {
      if (value.key->section == section && value.key->name == name) {
        problems_.push_back({value.source, value.key->dotted(), std::move(message)});
      }
    }
  }
  std::vector<config::Problem> take() { return std::move(problems_); }

 private:
  const config::Loaded& loaded_;
  std::vector<config::Problem> problems_;
};

mail::LinkTemplate read_template(const config::Settings& settings, Language language, FileProblems& problems) {
  if (!settings.email.template_dir) return mail::LinkTemplate::built_in(language);
  const std::filesystem::path& folder = *settings.email.template_dir;
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    problems.add("email", "template_dir", fmt::format("{} is not a folder that can be read", folder.string()));
    return mail::LinkTemplate::built_in(language);
  }
  mail::TemplateTexts texts = mail::LinkTemplate::built_in_texts(language);
  bool good = true;
  const auto replace = [&](const char* name, std::string& text) {
    auto own = read_file(folder / name, kMaxTemplateBytes);
    if (own) {
      text = std::move(*own);
    } else if (own.error().kind != ErrorKind::not_found) {
      problems.add("email", "template_dir", own.error().message);
      good = false;
    }
  };
  replace("subject.txt", texts.subject);
  replace("body.html", texts.html);
  replace("body.txt", texts.text);
  if (!good) return mail::LinkTemplate::built_in(language);
  auto parsed = mail::LinkTemplate::parse(texts);
  if (!parsed) {
    problems.add("email", "template_dir", fmt::format("{}: {}", folder.string(), parsed.error().message));
    return mail::LinkTemplate::built_in(language);
  }
  return std::move(*parsed);
}

/// The secret in the file that a setting names.
Secret read_secret(const std::optional<std::filesystem::path>& file, std::string_view section, std::string_view name,
                   FileProblems& problems) {
  if (!file) return {};
  auto secret = read_secret_file(*file);
  if (secret) return std::move(*secret);
  problems.add(section, name, secret.error().message);
  return {};
}

NamedSecrets read_secrets(const config::Settings& settings, FileProblems& problems) {
  return {read_secret(settings.email.password_file, "email", "password_file", problems),
          read_secret(settings.alarm.password_file, "alarm", "password_file", problems),
          read_secret(settings.alarm.webhook_secret_file, "alarm", "webhook_secret_file", problems),
          read_secret(settings.email.oauth.client_secret_file, "email", "oauth.client_secret_file", problems),
          read_secret(settings.email.oauth.refresh_token_file, "email", "oauth.refresh_token_file", problems)};
}

}  // namespace

Result<Secret> read_secret_file(const std::filesystem::path& file) {
  const auto whole = read_private_file(file, kMaxPasswordBytes);
  if (!whole) return std::unexpected(whole.error());
  const std::string_view line = first_line(whole->reveal());
  if (line.empty()) return fail(ErrorKind::invalid_argument, "the first line of " + file.string() + " is empty");
  return Secret(std::string(line));
}

NamedSecrets NamedSecrets::clone() const {
  return {relay_password.clone(), alarm_relay_password.clone(), webhook_secret.clone(), oauth_client_secret.clone(),
          oauth_refresh_token.clone()};
}

std::vector<std::string> changed_secrets(const NamedSecrets& before, const NamedSecrets& after) {
  std::vector<std::string> out;
  const auto compare = [&](const Secret& old, const Secret& fresh, const char* name) {
    if (!constant_time_equal(old.reveal(), fresh.reveal())) out.emplace_back(name);
  };
  compare(before.relay_password, after.relay_password, "email.password_file");
  compare(before.alarm_relay_password, after.alarm_relay_password, "alarm.password_file");
  compare(before.webhook_secret, after.webhook_secret, "alarm.webhook_secret_file");
  compare(before.oauth_client_secret, after.oauth_client_secret, "email.oauth.client_secret_file");
  compare(before.oauth_refresh_token, after.oauth_refresh_token, "email.oauth.refresh_token_file");
  return out;
}

void add_config_options(CLI::App& command, ConfigOptions& options) {
  command.add_option("-c,--config", options.config_file, "Configuration file (TOML); else $S3LINK_CONFIG")
      ->type_name("FILE");
  command.add_option("-d,--data-dir", options.data_dir, "Data folder of the server (server.data_dir)")
      ->type_name("DIR");
}

void add_client_options(CLI::App& command, ClientOptions& options) {
  add_config_options(command, options.config);
  command
      .add_option("--endpoint", options.endpoint,
                  "A server elsewhere, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; else $AWS_ENDPOINT_URL_S3 or\n"
                  "$AWS_ENDPOINT_URL where no data folder or public URL is set")
      ->type_name("URL");
}

std::expected<config::Loaded, std::vector<config::Problem>> load_configuration(const ConfigOptions& options) {
  return load_sections(options, {});
}

bool is_given(const config::Loaded& loaded, std::string_view section, std::string_view name) {
  return std::ranges::any_of(loaded.values, [&](const config::EffectiveValue& value) {
    return value.given && value.key->section == section && value.key->name == name;
  });
}

std::expected<config::Loaded, std::vector<config::Problem>> load_sections(const ConfigOptions& options,
                                                                          std::vector<std::string_view> sections) {
  config::Sources sources;
  sources.sections = std::move(sections);
  sources.check_time_zone = system::check_time_zone;
  sources.environment = environment();
  if (!options.data_dir.empty()) sources.flags.push_back({"--data-dir", "server.data_dir", options.data_dir});
  if (!options.listen.empty()) sources.flags.push_back({"--listen", "server.listen", options.listen});

  std::string file = options.config_file, where = "--config";
  if (file.empty()) {
    const auto variable = sources.environment.find(std::string(config::kConfigVariable));
    if (variable != sources.environment.end()) file = variable->second;
    where = config::kConfigVariable;
  }
  if (!file.empty()) {
    auto text = read_file(file, kMaxConfigBytes);
    if (!text) return std::unexpected(std::vector{config::Problem{where, "", text.error().message}});
    sources.file = {file, std::move(*text)};
  }
  return config::load(sources);
}

std::expected<NamedSecrets, std::vector<config::Problem>> read_named_secrets(const config::Loaded& loaded) {
  FileProblems problems(loaded);
  NamedSecrets secrets = read_secrets(loaded.settings, problems);
  if (auto found = problems.take(); !found.empty()) return std::unexpected(std::move(found));
  return secrets;
}

std::expected<mail::LinkTemplate, std::vector<config::Problem>> read_link_template(const config::Loaded& loaded,
                                                                                   Language language) {
  FileProblems problems(loaded);
  mail::LinkTemplate link_template = read_template(loaded.settings, language, problems);
  if (auto found = problems.take(); !found.empty()) return std::unexpected(std::move(found));
  return link_template;
}

std::expected<NamedFiles, std::vector<config::Problem>> read_named_files(const config::Loaded& loaded) {
  const config::Settings& settings = loaded.settings;
  FileProblems problems(loaded);
  NamedFiles files{read_secrets(settings, problems), read_template(settings, settings.email.language, problems)};
  const auto must_read = [&](const std::optional<std::filesystem::path>& file, const char* name) {
    if (file && ::access(file->c_str(), R_OK) != 0) {
      problems.add("server", name, fmt::format("cannot read {}: {}", file->string(), std::strerror(errno)));
    }
  };
  must_read(settings.server.tls_certificate, "tls_certificate");
  must_read(settings.server.tls_key, "tls_key");
  if (settings.email.ca_file && ::access(settings.email.ca_file->c_str(), R_OK) != 0) {
    problems.add("email", "ca_file",
                 fmt::format("cannot read {}: {}", settings.email.ca_file->string(), std::strerror(errno)));
  }
  if (auto found = problems.take(); !found.empty()) return std::unexpected(std::move(found));
  return files;
}

int report_problems(const std::vector<config::Problem>& problems) {
  complain(kWrongUse, fmt::format("{} in the configuration:", counted(problems.size(), "problem")));
  for (const config::Problem& problem : problems) std::fputs(fmt::format("  {}\n", problem.text()).c_str(), stderr);
  return kWrongUse;
}

}  // namespace s3link::app
