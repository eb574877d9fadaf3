#include "apps/s3link/server_access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "apps/s3link/credentials_file.hpp"
#include "apps/s3link/files.hpp"
#include "core/base/encoding.hpp"
#include "core/config/values.hpp"

namespace s3link::app {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

Result<sigv4::Credentials> find_credentials(const config::Settings& settings) {
  if (!settings.auth.access_key_id.empty()) {
    return sigv4::Credentials{settings.auth.access_key_id, settings.auth.secret_access_key.clone(), Secret()};
  }
  const auto file = settings.server.data_dir / "credentials";
  auto stored = read_credentials(file);
  if (stored || stored.error().kind != ErrorKind::not_found) return stored;
  const std::string id = environment("AWS_ACCESS_KEY_ID");
  Secret secret(environment("AWS_SECRET_ACCESS_KEY"));
  if (id.empty() || secret.empty()) {
    return fail(ErrorKind::not_found,
                fmt::format("no access key: {} does not exist, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not "
                            "set; name the server's data folder with --data-dir",
                            file.string()));
  }
  return sigv4::Credentials{id, std::move(secret), Secret(environment("AWS_SESSION_TOKEN"))};
}

/// An address that a client can connect to for one that a server listens on.
std::string reachable(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  if (host == "::") return "::1";
  return host;
}

/// Scheme and address of "http[s]://host[:port]".
void use_url(ServerAccess& access, std::string_view url) {
  access.scheme = url.starts_with("https://") ? "https" : "http";
  const std::string authority(url.substr(access.scheme.size() + 3));
  const std::string_view default_port = access.scheme == "https" ? ":443" : ":80";
  const bool has_port = authority.contains(':') && !authority.ends_with(']');
  const auto parsed = config::parse_host_port(has_port ? authority : authority + std::string(default_port), 1);
  if (parsed) access.address = *parsed;
}

}  // namespace

std::string ServerAccess::endpoint() const { return fmt::format("{}://{}", scheme, address.text()); }

Result<ServerAccess> find_server_without_key(const config::Loaded& loaded) {
  const config::Settings& settings = loaded.settings;
  const bool public_url_given = std::ranges::any_of(loaded.values, [](const config::EffectiveValue& value) {
    return value.given && !value.texts.empty() && value.key->section == "server" && value.key->name == "public_url";
  });
  ServerAccess access;
  access.scheme = settings.server.tls_certificate ? "https" : "http";
  access.hint = fmt::format("s3link serve --data-dir {}", settings.server.data_dir.string());

  const auto listen_file = settings.server.data_dir / "listen";
  const auto listen = read_file(listen_file, 1024);
  if (listen) {
    const auto parsed = config::parse_host_port(trim(std::string_view(*listen).substr(0, listen->find('\n'))), 1);
    if (!parsed)
      return fail(ErrorKind::invalid_argument, fmt::format("{} does not hold an address", listen_file.string()));
    access.address = {reachable(parsed->host), parsed->port};
  } else if (listen.error().kind != ErrorKind::not_found) {
    return std::unexpected(listen.error());
  } else if (settings.server.listen.port != 0) {
    access.address = {reachable(settings.server.listen.host), settings.server.listen.port};
  }
  access.public_url = public_url_given ? settings.server.public_url : access.endpoint();
  // A certificate names the public host; and without a local server, the public URL is all there is.
  if (public_url_given && (!listen || access.scheme == "https")) use_url(access, settings.server.public_url);
  if (access.address.port == 0) {
    return fail(ErrorKind::not_found,
                fmt::format("no server runs on {}; start it with: {}", settings.server.data_dir.string(), access.hint));
  }
  return access;
}

Result<ServerAccess> find_server(const config::Loaded& loaded) {
  auto credentials = find_credentials(loaded.settings);
  if (!credentials) return std::unexpected(credentials.error());
  auto access = find_server_without_key(loaded);
  if (access) access->credentials = std::move(*credentials);
  return access;
}

}  // namespace s3link::app
