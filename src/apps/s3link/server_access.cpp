#include "apps/s3link/server_access.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "apps/s3link/configuration.hpp"
#include "apps/s3link/credentials_file.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/files.hpp"
#include "core/base/encoding.hpp"
#include "core/config/values.hpp"

namespace s3link::app {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

/// Empty: the variables are not set.
std::optional<sigv4::Credentials> credentials_of_environment() {
  std::string id = environment("AWS_ACCESS_KEY_ID");
  Secret secret(environment("AWS_SECRET_ACCESS_KEY"));
  if (id.empty() || secret.empty()) return std::nullopt;
  return sigv4::Credentials{std::move(id), std::move(secret), Secret(environment("AWS_SESSION_TOKEN"))};
}

Result<sigv4::Credentials> find_credentials(const config::Loaded& loaded, bool elsewhere) {
  const config::Settings& settings = loaded.settings;
  if (!settings.auth.access_key_id.empty()) {
    return sigv4::Credentials{settings.auth.access_key_id, settings.auth.secret_access_key.clone(), Secret()};
  }
  auto from_environment = credentials_of_environment();
  if (from_environment && elsewhere && !is_given(loaded, "server", "data_dir")) return std::move(*from_environment);
  const auto file = settings.server.data_dir / "credentials";
  auto stored = read_credentials(file);
  if (stored) return std::move(stored->current);
  if (stored.error().kind != ErrorKind::not_found) return std::unexpected(stored.error());
  if (from_environment) return std::move(*from_environment);
  return fail(ErrorKind::not_found,
              fmt::format("no access key: {} does not exist, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not "
                          "set; name the server's data folder with --data-dir",
                          file.string()));
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

struct Endpoint {
  std::string source;  ///< "--endpoint", "AWS_ENDPOINT_URL"
  std::string url;     ///< empty: the server is here
};

Endpoint find_endpoint(const config::Loaded& loaded, const std::string& option) {
  if (!option.empty()) return {"--endpoint", option};
  if (is_given(loaded, "server", "data_dir") || is_given(loaded, "server", "public_url")) return {};
  for (const char* const name : {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}) {
    if (std::string url = environment(name); !url.empty()) return {name, std::move(url)};
  }
  return {};
}

Result<ServerAccess> access_to(const Endpoint& endpoint, const config::Loaded& loaded) {
  const auto origin = config::parse_http_origin(endpoint.url);
  if (!origin) return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", endpoint.source, origin.error().message));
  ServerAccess access;
  use_url(access, *origin);
  access.public_url = is_given(loaded, "server", "public_url") ? loaded.settings.server.public_url : *origin;
  access.region = loaded.settings.server.region;
  for (const char* const name : {"AWS_DEFAULT_REGION", "AWS_REGION"}) {
    const std::string region = environment(name);
    if (!region.empty() && !is_given(loaded, "server", "region")) access.region = region;
  }
  access.advice = fmt::format("{} names it", endpoint.source);
  return access;
}

}  // namespace

std::string ServerAccess::endpoint() const { return fmt::format("{}://{}", scheme, address.text()); }

Result<ServerAccess> find_server_without_key(const config::Loaded& loaded) {
  const config::Settings& settings = loaded.settings;
  const bool public_url_given = is_given(loaded, "server", "public_url") && !settings.server.public_url.empty();
  ServerAccess access;
  access.scheme = settings.server.tls_certificate ? "https" : "http";
  access.region = settings.server.region;
  access.advice =
      fmt::format("start the server with: s3link serve --data-dir {}, or name one elsewhere with --endpoint",
                  settings.server.data_dir.string());

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
                fmt::format("no server runs on {}; {}", settings.server.data_dir.string(), access.advice));
  }
  return access;
}

int complain_of_access(const Error& error) {
  return complain(error.kind == ErrorKind::invalid_argument ? kWrongUse : kFailed, error.message);
}

Result<ServerAccess> find_server(const config::Loaded& loaded, const std::string& option) {
  const Endpoint endpoint = find_endpoint(loaded, option);
  const bool elsewhere = !endpoint.url.empty();
  auto access = elsewhere ? access_to(endpoint, loaded) : find_server_without_key(loaded);
  if (!access) return access;
  auto credentials = find_credentials(loaded, elsewhere);
  if (!credentials) return std::unexpected(credentials.error());
  access->credentials = std::move(*credentials);
  return access;
}

}  // namespace s3link::app
