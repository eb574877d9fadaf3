#include "core/config/load.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "core/base/encoding.hpp"
#include "core/config/organisation.hpp"
#include "core/config/quantity.hpp"
#include "core/config/values.hpp"

namespace s3link::config {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    out.emplace_back(trim(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

/// What the TOML value says as text, or why it has the wrong type.
Result<std::vector<std::string>> texts_of(const Key& key, const toml::node& node) {
  const auto wrong = [](std::string_view expected) {
    return fail(ErrorKind::invalid_argument, fmt::format("wrong type; {}", expected));
  };
  if (const auto* text = node.as_string()) {
    switch (key.type) {
      case ValueType::text:
      case ValueType::path:
      case ValueType::duration:
      case ValueType::size:
        return std::vector{text->get()};
      case ValueType::list:
        return split_list(text->get());
      case ValueType::whole_number:
      case ValueType::fraction:
        return wrong("write the number without quotes");
    }
  }
  if (const auto* number = node.as_integer()) {
    switch (key.type) {
      case ValueType::whole_number:
      case ValueType::fraction:
      case ValueType::size:
        return std::vector{std::to_string(number->get())};
      case ValueType::duration:
        return wrong("write a duration in quotes with its unit, like \"90s\"");
      case ValueType::text:
      case ValueType::path:
      case ValueType::list:
        return wrong("write text in quotes");
    }
  }
  if (const auto* number = node.as_floating_point(); number && key.type == ValueType::fraction) {
    return std::vector{fmt::format("{}", number->get())};
  }
  if (const auto* list = node.as_array(); list && key.type == ValueType::list) {
    std::vector<std::string> out;
    for (const toml::node& element : *list) {
      const auto* text = element.as_string();
      if (!text) return wrong("write a list of texts, like [\"a@example.org\", \"b@example.org\"]");
      out.push_back(text->get());
    }
    return out;
  }
  switch (key.type) {
    case ValueType::whole_number:
      return wrong("write a whole number");
    case ValueType::fraction:
      return wrong("write a number from 0 to 1");
    case ValueType::list:
      return wrong("write a text, or a list of texts");
    case ValueType::duration:
      return wrong("write a duration in quotes with its unit, like \"90s\"");
    case ValueType::size:
      return wrong("write a size in quotes with its unit, like \"5GiB\"");
    case ValueType::text:
    case ValueType::path:
      break;
  }
  return wrong("write text in quotes");
}

std::vector<std::string> all_sections() {
  std::vector<std::string> out;
  for (const Key& key : keys()) {
    if (out.empty() || out.back() != key.section) out.emplace_back(key.section);
  }
  return out;
}

/// A name a user may show us again in a message: without control characters, and not endless.
std::string shown(std::string_view name) {
  std::string out(name.substr(0, 80));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::string with_suggestion(std::string message, std::string_view word, const std::vector<std::string>& candidates,
                            std::string_view otherwise) {
  if (const auto meant = closest(word, candidates)) return fmt::format("{}; did you mean {}?", message, *meant);
  return fmt::format("{}; {}", message, otherwise);
}

/// Whether a host names the machine itself.
bool is_this_machine(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.") || host.ends_with(".localhost");
}

/// Whether a variable is one of those that Kubernetes gives every container for every service of its namespace. That of
/// a service "s3link" is S3LINK_SERVICE_HOST, S3LINK_SERVICE_PORT…, S3LINK_PORT, S3LINK_PORT_9000_TCP…; of "s3link-web"
/// the same with S3LINK_WEB_. There a typing error of ours could look alike (S3LINK_SERVER_PORT), so the value counts.
/// Source: Kubernetes documentation, "Service", environment variables.
bool is_of_kubernetes(std::string_view name, std::string_view value) {
  if (name.starts_with("S3LINK_SERVICE_") || name == "S3LINK_PORT" || name.starts_with("S3LINK_PORT_")) return true;
  if (name.contains("_SERVICE_HOST") || name.contains("_SERVICE_PORT")) return true;
  const auto is_url = value.starts_with("tcp://") || value.starts_with("udp://") || value.starts_with("sctp://");
  if (name.ends_with("_PORT") && is_url) return true;
  const auto port = name.find("_PORT_");
  if (port == std::string_view::npos) return false;
  const std::string_view rest = name.substr(port + 6);
  return !rest.empty() && rest.front() >= '0' && rest.front() <= '9';
}

/// Settings that were called otherwise once: taken all the same, with a warning.
struct Renamed {
  std::string_view section, before, environment, now;
};
constexpr std::array kRenamed = {Renamed{"alarm", "oldest_event", "S3LINK_ALARM_OLDEST_EVENT", "max_wait"}};

class Loader {
 public:
  std::expected<Loaded, std::vector<Problem>> run(const Sources& sources) {
    apply_defaults();
    if (sources.file) apply_file(*sources.file);
    apply_environment(sources.environment);
    for (const Sources::Flag& flag : sources.flags) apply_flag(flag);
    derive();
    check_together();
    check_time_zone(sources.check_time_zone);
    if (!sources.sections.empty()) forget_problems_outside(sources.sections);
    if (!problems_.empty()) return std::unexpected(std::move(problems_));
    warn();
    return Loaded{std::move(settings_), std::move(values_), std::move(warnings_)};
  }

 private:
  EffectiveValue& value_of(const Key& key) { return values_[static_cast<std::size_t>(&key - keys().data())]; }
  EffectiveValue& value_of(std::string_view section, std::string_view name) {
    return value_of(*find_key(section, name));
  }
  bool is_bad(std::string_view section, std::string_view name) const { return bad_.contains(find_key(section, name)); }

  void problem(const Key& key, std::string where, std::string message) {
    bad_.insert(&key);
    problems_.push_back({std::move(where), key.dotted(), std::move(message)});
  }
  /// A problem of values that do not fit each other, shown where the first of them stands.
  void mismatch(std::string_view section, std::string_view name, std::string message) {
    const EffectiveValue& value = value_of(section, name);
    problem(*value.key, value.source, std::move(message));
  }

  void apply_defaults() {
    for (const Key& key : keys()) {
      std::vector<std::string> texts;
      if (!key.default_text.empty()) texts.emplace_back(key.default_text);
      if (const Status set = key.set(settings_, texts); !set) problem(key, "default", set.error().message);
      values_.push_back({&key, std::move(texts), false, false, "default"});
    }
  }

  /// Those of no section we know stay: a needed one may have been meant.
  void forget_problems_outside(const std::vector<std::string_view>& sections) {
    const std::vector<std::string> known = all_sections();
    std::erase_if(problems_, [&](const Problem& problem) {
      const std::string_view section = std::string_view(problem.setting).substr(0, problem.setting.find('.'));
      return std::ranges::find(known, section) != known.end() && std::ranges::find(sections, section) == sections.end();
    });
  }

  /// The strongest source comes last, so each simply replaces what was there; a bad value is reported even where a
  /// stronger source replaces it.
  void apply(const Key& key, std::vector<std::string> texts, std::string where) {
    const bool is_none = key.default_text.empty() && (texts.empty() || (texts.size() == 1 && texts[0].empty()));
    if (is_none) texts.clear();
    if (texts.empty() && key.type != ValueType::list && !is_none) texts.emplace_back();
    if (const Status set = key.set(settings_, texts); !set) {
      problem(key, std::move(where), set.error().message);
      return;
    }
    EffectiveValue& value = value_of(key);
    value.given = true;
    value.source = std::move(where);
    value.secret_given = key.secret && !texts.empty();
    if (key.secret) {
      texts.clear();
    }
    value.texts = std::move(texts);
  }

  void apply_file(const Sources::File& file) {
    if (file.toml.size() > kMaxFileBytes) {
      problems_.push_back({file.name, "", fmt::format("larger than {}", format_size(kMaxFileBytes))});
      return;
    }
    toml::table table;
    try {
      table = toml::parse(file.toml, file.name);
    } catch (const toml::parse_error& error) {
      problems_.push_back({fmt::format("{}:{}", file.name, error.source().begin.line), "",
                           fmt::format("not TOML: {}", shown(error.description()))});
      return;
    }
    for (const auto& [section, node] : table) apply_section(file.name, section.str(), node);
  }

  void apply_section(const std::string& file, std::string_view section, const toml::node& node) {
    const auto where = [&](const toml::node& at) { return fmt::format("{}:{}", file, at.source().begin.line); };
    const std::vector<std::string> sections = all_sections();
    const auto* table = node.as_table();
    if (!table) {
      problems_.push_back(
          {where(node), shown(section), "stands outside of a section; put it below a line like [server]"});
      return;
    }
    if (std::ranges::find(sections, section) == sections.end()) {
      problems_.push_back({where(node), shown(section),
                           with_suggestion("unknown section", section, sections,
                                           fmt::format("there are {}", fmt::join(sections, ", ")))});
      return;
    }
    apply_table(file, section, "", *table);
  }

  /// `prefix`: "oauth." for what stands in [email.oauth].
  void apply_table(const std::string& file, std::string_view section, const std::string& prefix,
                   const toml::table& table) {
    const auto where = [&](const toml::node& at) { return fmt::format("{}:{}", file, at.source().begin.line); };
    for (const auto& [tail, value] : table) {
      const std::string name = prefix + std::string(tail.str());
      const Key* key = find_renamed([&](const Renamed& old) { return old.section == section && old.before == name; });
      if (!key) key = find_key(section, name);
      if (!key) {
        const auto* const inner = value.as_table();
        if (inner != nullptr && is_table_of(section, name + ".")) {
          apply_table(file, section, name + ".", *inner);
          continue;
        }
        problems_.push_back({where(value), shown(fmt::format("{}.{}", section, name)), unknown_key(section, name)});
        continue;
      }
      auto texts = texts_of(*key, value);
      if (!texts) {
        problem(*key, where(value), texts.error().message);
        continue;
      }
      if (key->type == ValueType::path && !texts->at(0).empty()) {
        texts->at(0) = (std::filesystem::path(file).parent_path() / texts->at(0)).lexically_normal().string();
      }
      apply(*key, std::move(*texts), where(value));
    }
  }

  /// Whether keys of the section begin so.
  static bool is_table_of(std::string_view section, std::string_view prefix) {
    return std::ranges::any_of(keys(),
                               [&](const Key& key) { return key.section == section && key.name.starts_with(prefix); });
  }

  /// The key that is meant by an old name; says so.
  template <class Is>
  const Key* find_renamed(const Is& is) {
    const auto* const old = std::ranges::find_if(kRenamed, is);
    if (old == kRenamed.end()) return nullptr;
    warnings_.push_back(fmt::format("{0}.{1} is called {0}.{2} now: rename it", old->section, old->before, old->now));
    return find_key(old->section, old->now);
  }

  static std::string unknown_key(std::string_view section, std::string_view name) {
    for (const Key& key : keys()) {
      if (key.name == name) return fmt::format("unknown setting; did you mean {}?", key.dotted());
    }
    std::vector<std::string> here, everywhere;
    for (const Key& key : keys()) {
      if (key.section == section) here.push_back(key.dotted());
      everywhere.push_back(key.dotted());
    }
    const std::string dotted = fmt::format("{}.{}", section, name);
    if (const auto meant = closest(dotted, everywhere)) return fmt::format("unknown setting; did you mean {}?", *meant);
    return fmt::format("unknown setting; this section has {}", fmt::join(here, ", "));
  }

  void apply_environment(const std::map<std::string, std::string>& environment) {
    std::vector<std::string> names{std::string(kConfigVariable)};
    for (const Key& key : keys()) names.push_back(key.environment_name());
    for (const auto& [name, value] : environment) {
      if (!name.starts_with("S3LINK_") || name == kConfigVariable) continue;
      const Key* key = find_renamed([&](const Renamed& old) { return name == old.environment; });
      if (!key) key = find_key_by_environment(name);
      if (!key && is_of_kubernetes(name, value)) continue;
      if (!key) {
        problems_.push_back({shown(name), "",
                             with_suggestion("unknown environment variable", name, names,
                                             "variables are S3LINK_<SECTION>_<KEY>; unset it")});
        continue;
      }
      apply(*key, key->type == ValueType::list ? split_list(value) : std::vector{value}, name);
    }
  }

  void apply_flag(const Sources::Flag& flag) {
    const auto dot = flag.key.find('.');
    const Key* key = find_key(flag.key.substr(0, dot), flag.key.substr(dot + 1));
    apply(*key, key->type == ValueType::list ? split_list(flag.value) : std::vector{flag.value}, flag.option);
  }

  /// Defaults that follow from other settings.
  void derive() {
    EffectiveValue& master_key = value_of("auth", "master_key_file");
    if (settings_.auth.master_key_file.empty()) {
      settings_.auth.master_key_file = settings_.server.data_dir / "master.key";
      master_key.texts = {settings_.auth.master_key_file.string()};
    }
    EffectiveValue& logs = value_of("bucket", "logs_name");
    if (logs.texts.empty() && !is_bad("bucket", "logs_name") && !is_bad("bucket", "name")) {
      auto derived = s3::BucketName::parse(settings_.bucket.name.text() + "-access-logs");
      if (!derived) {
        mismatch("bucket", "logs_name",
                 "bucket.name is too long to add \"-access-logs\" to it; set bucket.logs_name, or shorten bucket.name");
      } else {
        settings_.bucket.logs_name = std::move(*derived);
        logs.texts = {settings_.bucket.logs_name.text()};
      }
    }
    EffectiveValue& sender_name = value_of("email", "sender_name");
    if (!sender_name.given) settings_.email.sender_name = organisation_of(settings_.email.sender);
    sender_name.texts = {settings_.email.sender_name};
    EffectiveValue& url = value_of("server", "public_url");
    if (url.texts.empty() && settings_.server.listen.port != 0) {
      const std::string_view scheme = settings_.server.tls_certificate ? "https" : "http";
      settings_.server.public_url = fmt::format("{}://{}", scheme, settings_.server.listen.text());
      url.texts = {settings_.server.public_url};
    }
  }

  std::string described(std::string_view section, std::string_view name) {
    const EffectiveValue& value = value_of(section, name);
    return fmt::format("{} ({}, {})", value.key->dotted(), fmt::join(value.texts, ", "), value.source);
  }

  void check_together() {
    const auto both_good = [&](std::string_view section_a, std::string_view a, std::string_view section_b,
                               std::string_view b) { return !is_bad(section_a, a) && !is_bad(section_b, b); };
    if (both_good("link", "expiration", "bucket", "object_ttl") &&
        settings_.link.expiration > settings_.bucket.object_ttl) {
      mismatch("link", "expiration",
               fmt::format("longer than {}: a link cannot outlive its object; set it to at most {}, or raise "
                           "bucket.object_ttl",
                           described("bucket", "object_ttl"), format_duration(settings_.bucket.object_ttl)));
    }
    if (both_good("delivery", "first_retry", "delivery", "max_retry") &&
        settings_.delivery.first_retry > settings_.delivery.max_retry) {
      mismatch("delivery", "first_retry",
               fmt::format("longer than {}; set it to at most {}", described("delivery", "max_retry"),
                           format_duration(settings_.delivery.max_retry)));
    }
    if (both_good("server", "tls_certificate", "server", "tls_key") &&
        settings_.server.tls_certificate.has_value() != settings_.server.tls_key.has_value()) {
      const bool has_key = settings_.server.tls_key.has_value();
      mismatch("server", has_key ? "tls_key" : "tls_certificate",
               fmt::format("set without server.{}; set both, or neither", has_key ? "tls_certificate" : "tls_key"));
    }
    if (both_good("auth", "access_key_id", "auth", "secret_access_key") &&
        settings_.auth.access_key_id.empty() != settings_.auth.secret_access_key.empty()) {
      const bool has_id = !settings_.auth.access_key_id.empty();
      mismatch("auth", has_id ? "access_key_id" : "secret_access_key",
               fmt::format("set without auth.{}; set both, or neither to use data_dir/credentials",
                           has_id ? "secret_access_key" : "access_key_id"));
    }
    if (both_good("bucket", "name", "bucket", "logs_name") && settings_.bucket.name == settings_.bucket.logs_name) {
      mismatch("bucket", "logs_name", "the same as bucket.name; logs would be mailed as files. Choose another name");
    }
    check_email_login();
    check_login("alarm", settings_.alarm.relay, settings_.alarm.password_file.has_value());
    if (both_good("alarm", "webhook", "alarm", "webhook_secret_file") && settings_.alarm.webhook.empty() &&
        settings_.alarm.webhook_secret_file) {
      mismatch("alarm", "webhook_secret_file", "set, but there is no alarm.webhook to sign for");
    }
  }

  void check_time_zone(Status (*check)(const std::string&)) {
    const std::string& zone = settings_.email.time_zone;
    if (check == nullptr || zone.empty() || is_bad("email", "time_zone")) return;
    if (const Status known = check(zone); !known) mismatch("email", "time_zone", known.error().message);
  }

  /// Whether the way to log in and what it needs go together. With token_url, auto becomes xoauth2.
  void check_email_login() {
    using mail::RelayAuth;
    if (is_bad("email", "transport") || is_bad("email", "auth") || is_bad("email", "oauth.token_url")) return;
    auto& email = settings_.email;
    const bool has_tokens = !email.oauth.token_url.empty();
    if (email.auth == RelayAuth::automatic && has_tokens) email.auth = RelayAuth::xoauth2;
    const bool has_user = email.relay && !email.relay->user.empty();
    const auto unused = [&](std::string_view name, bool given) {
      if (given) mismatch("email", name, "set, but email.auth does not use it; leave one of them out");
    };
    if (email.auth != RelayAuth::xoauth2) {
      unused("oauth.token_url", has_tokens);
      unused("oauth.client_id", !email.oauth.client_id.empty() && !has_tokens);
      unused("oauth.client_secret_file", email.oauth.client_secret_file.has_value() && !has_tokens);
      unused("oauth.refresh_token_file", email.oauth.refresh_token_file.has_value() && !has_tokens);
    }
    if (email.auth == RelayAuth::none) {
      unused("password_file", email.password_file.has_value());
    } else if (email.auth == RelayAuth::xoauth2) {
      const auto needed = [&](std::string_view name, bool given, std::string_view what) {
        if (!given) mismatch("email", name, fmt::format("not set, but XOAUTH2 needs {}", what));
      };
      needed("oauth.token_url", has_tokens, "the address that tokens come from");
      needed("oauth.client_id", !email.oauth.client_id.empty(), "the client's name");
      needed("oauth.client_secret_file", email.oauth.client_secret_file || email.oauth.refresh_token_file,
             "the client's secret, or a refresh token (email.oauth.refresh_token_file)");
      needed("transport", has_user, "a user (smtp://user@host:port)");
    } else {
      check_login("email", email.relay, email.password_file.has_value());
    }
  }

  /// Whether the section's relay and password file go together.
  void check_login(std::string_view section, const std::optional<mail::RelayUrl>& relay, bool has_password) {
    if (is_bad(section, "transport") || is_bad(section, "password_file")) return;
    const bool has_user = relay && !relay->user.empty();
    if (has_user && !has_password) {
      mismatch(section, "transport",
               fmt::format("names a user, so set {}.password_file to a file with the password", section));
    } else if (!has_user && has_password) {
      mismatch(section, "password_file",
               fmt::format("set, but {}.transport names no user (smtp://user@host:port)", section));
    }
  }

  void warn() {
    const std::string& host = settings_.server.listen.host;
    const bool any_address = host == "0.0.0.0" || host == "::";
    const bool mails_leave = settings_.email.relay.has_value();
    if (!value_of("server", "public_url").given) {
      // Without a relay it is somebody who tries it out.
      if (any_address || (mails_leave && is_this_machine(host))) {
        warnings_.push_back(
            fmt::format("server.public_url is not set: links will start with {}, which opens on this "
                        "machine only; set it to what recipients reach, like https://files.example.org",
                        host));
      }
    } else {
      warn_of_public_url(mails_leave);
    }
    warn_of_login();
    warn_of_alarm();
  }

  void warn_of_login() {
    if (settings_.email.auth == mail::RelayAuth::xoauth2 && settings_.email.password_file) {
      warnings_.push_back("email.password_file is set, but not used: tokens of email.oauth.token_url are");
    }
  }

  void warn_of_public_url(bool mails_leave) {
    const auto url = split_http_url(settings_.server.public_url + "/");
    if (!url) return;
    const bool here = is_this_machine(url->peer.host);
    if (mails_leave && here) {
      warnings_.push_back(
          fmt::format("server.public_url is {}: mailed links open on this machine only", settings_.server.public_url));
    } else if (url->scheme == "http" && !here) {
      warnings_.push_back(
          fmt::format("server.public_url is {}: links and files cross the network unencrypted; use "
                      "https://, by server.tls_certificate or a proxy in front",
                      settings_.server.public_url));
    }
  }

  void warn_of_alarm() {
    const Settings::Alarm& alarm = settings_.alarm;
    if (!alarm.email) {
      warnings_.push_back(
          alarm.webhook.empty()
              ? "alarm.email is not set: alarms are only logged and shown, so nobody is told of lost mails"
              : "alarm.email is not set: alarms are only posted to alarm.webhook, logged and shown");
      if (alarm.own_transport) warnings_.push_back("alarm.transport is set, but no alarm.email to send to");
    } else if (alarm.webhook.empty() && settings_.email.relay &&
               (!alarm.own_transport || alarm.relay == settings_.email.relay)) {
      warnings_.push_back(
          "alarms leave by the relay whose failures they are about: set alarm.transport or alarm.webhook");
    }
  }

  // Every member is replaced by its key's default before anything else happens.
  Settings settings_{.server = {},
                     .auth = {},
                     .bucket = {.name = s3::BucketName::parse("unset").value(),
                                .logs_name = s3::BucketName::parse("unset-logs").value()},
                     .link = {},
                     .email = {.sender = mail::Address::parse("unset@localhost").value(),
                               .sender_name = {},
                               .recipients = {},
                               .relay = {},
                               .password_file = {},
                               .template_dir = {},
                               .auth = {},
                               .helo_name = {},
                               .ca_file = {},
                               .reply_to = {},
                               .bounce_address = {},
                               .oauth = {}},
                     .delivery = {},
                     .alarm = {},
                     .access_log = {},
                     .backup = {},
                     .trace = {},
                     .metrics = {},
                     .log = {}};
  std::vector<EffectiveValue> values_;
  std::vector<Problem> problems_;
  std::vector<std::string> warnings_;
  std::set<const Key*> bad_;
};

}  // namespace

std::string Problem::text() const {
  return setting.empty() ? fmt::format("{}: {}", where, message) : fmt::format("{}: {}: {}", where, setting, message);
}

std::expected<Loaded, std::vector<Problem>> load(const Sources& sources) { return Loader().run(sources); }

}  // namespace s3link::config
