#include "apps/s3link/doctor_server.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "apps/s3link/configuration.hpp"
#include "apps/s3link/credentials_file.hpp"
#include "apps/s3link/doctor_folder.hpp"
#include "apps/s3link/server_access.hpp"
#include "core/config/values.hpp"
#include "core/doctor/link_answer.hpp"
#include "core/doctor/time_checks.hpp"
#include "services/link/link_generator.hpp"

namespace s3link::app {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kDeadline = 10s;
constexpr const char* kServer = "server";
constexpr const char* kRelayState = "relay state";
constexpr const char* kServerClock = "server's clock";
constexpr const char* kPublicUrl = "public URL";
constexpr const char* kLink = "link";

/// GET of an origin and a path, on a connection that is not kept.
Awaitable<Result<ports::HttpClientResponse>> get(ports::HttpClient& http, config::HttpUrl url, std::string path) {
  ports::HttpClientRequest request;
  request.scheme = url.scheme;
  request.host = url.peer.host;
  request.port = url.peer.port;
  request.method = "GET";
  request.target = std::move(path);
  request.fields = {{"Host", url.authority}, {"User-Agent", "s3link-doctor/" S3LINK_VERSION}, {"Connection", "close"}};
  co_return co_await http.exchange(std::move(request), nullptr, kDeadline);
}

/// A string member of the answer's "error", or of the answer itself; empty where there is none.
std::string json_text(const std::string& body, std::string_view object, std::string_view member) {
  boost::system::error_code error;
  const auto parsed = boost::json::parse(body, error);
  const boost::json::object* found = error ? nullptr : parsed.if_object();
  if (found != nullptr && !object.empty()) {
    const auto* const inner = found->if_contains(object);
    found = inner == nullptr ? nullptr : inner->if_object();
  }
  const auto* const value = found == nullptr ? nullptr : found->if_contains(member);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// What the running server says of its relay.
void check_relay_state(const std::string& body, DoctorReport& report) {
  const std::string state = json_text(body, "relay", "state");
  if (state.empty() || state == "open") return;
  const std::string reason = json_text(body, "relay", "reason");
  const std::string probe = json_text(body, "relay", "next_probe");
  std::string message = fmt::format("the server's mails wait: the relay is {} ({}) since {}", state, reason,
                                    json_text(body, "relay", "since"));
  if (!probe.empty()) message += fmt::format(", next attempt at {}", probe);
  const std::string fix = reason == "login refused"
                              ? "correct email.password_file and the user in email.transport, then reload the server"
                              : "its log has the relay's words; the server goes on by itself when the relay does";
  if (reason == "login refused") {
    report.failed(kRelayState, std::move(message), fix);
  } else {
    report.warning(kRelayState, std::move(message), fix);
  }
}

/// What the running server says of its machine's clock.
void check_clock_state(const std::string& body, DoctorReport& report) {
  const std::string state = json_text(body, "clock", "state");
  if (state.empty() || state == "plausible") return;
  std::string message = state == "behind" ? "the clock is behind what is in the server's database"
                                          : "the clock jumped ahead, or the machine was off for long";
  message += fmt::format("; what waits for it: {}", json_text(body, "clock", "waits"));
  const std::string fix = "set the clock right; the server's log names the file that says that it is right";
  if (state == "behind") {
    report.failed(kServerClock, std::move(message), fix);
  } else {
    report.warning(kServerClock, std::move(message), fix);
  }
}

Awaitable<void> check_ready(ports::HttpClient& http, std::string endpoint, DoctorReport& report) {
  const auto url = config::split_http_url(endpoint + "/");
  if (!url) {
    report.failed(kServer, fmt::format("{}: {}", endpoint, url.error().message), "correct server.listen");
    co_return;
  }
  const auto answer = co_await get(http, *url, "/_/readyz");
  if (!answer) {
    const bool certificate = answer.error().kind == ErrorKind::denied;
    report.failed(kServer, fmt::format("it runs, but does not answer at {}: {}", endpoint, answer.error().message),
                  certificate ? "set server.public_url to the name in server.tls_certificate, from a root that this "
                                "machine trusts"
                              : "look into its log; a restart may help");
  } else if (answer->status == 200) {
    report.ok(kServer, fmt::format("runs at {} and takes writes", endpoint));
    check_relay_state(answer->body, report);
    check_clock_state(answer->body, report);
  } else {
    const std::string reason = json_text(answer->body, "error", "message");
    report.failed(kServer,
                  fmt::format("runs at {}, but is not ready: {}", endpoint,
                              reason.empty() ? fmt::format("status {}", answer->status) : reason),
                  "repair what it names; its log says more");
  }
}

void check_clock(const ports::HttpClientResponse& answer, Instant asked, Instant answered, const std::string& url,
                 DoctorReport& report) {
  const std::string* const date = ports::find_field(answer.fields, "Date");
  const auto dated = date == nullptr ? std::nullopt : parse_http_date(*date);
  if (!dated) {
    report.skipped("clock", fmt::format("the answer of {} has no Date", url));
    return;
  }
  report.add(doctor::check_clock(*dated, asked, answered, url));
}

/// Whether an s3link server answers there.
Awaitable<bool> check_public_url(ports::HttpClient& http, ports::Clock& clock, std::string public_url,
                                 DoctorReport& report) {
  const std::string fix = "links begin with it: correct server.public_url, the name's address, or the proxy in front";
  const auto url = config::split_http_url(public_url + "/");
  if (!url) {
    report.failed(kPublicUrl, fmt::format("{}: {}", public_url, url.error().message), fix);
    co_return false;
  }
  const Instant asked = clock.now();
  const auto answer = co_await get(http, *url, "/_/healthz");
  const Instant answered = clock.now();
  if (!answer) {
    report.failed(kPublicUrl, fmt::format("{} cannot be reached: {}", public_url, answer.error().message), fix);
    report.skipped("clock", "nothing answered that could tell the time");
    co_return false;
  }
  const bool ours = answer->status == 200 && json_text(answer->body, "", "status") == "ok";
  if (ours) {
    report.ok(kPublicUrl, fmt::format("{} leads to an s3link server", public_url));
  } else {
    report.failed(
        kPublicUrl,
        fmt::format("{}/_/healthz answers with status {}, and not as s3link does", public_url, answer->status), fix);
  }
  check_clock(*answer, asked, answered, public_url, report);
  co_return ours;
}

Result<sigv4::Credentials> signing_key_of(const config::Settings& settings) {
  if (!settings.auth.access_key_id.empty()) {
    return sigv4::Credentials{settings.auth.access_key_id, settings.auth.secret_access_key.clone(), Secret()};
  }
  auto stored = read_credentials(settings.server.data_dir / "credentials");
  if (!stored) return std::unexpected(stored.error());
  return std::move(stored->current);
}

/// A mailed link in everything but that its object does not exist. The name has what proxies like to rewrite.
Awaitable<void> check_link(const config::Settings& settings, ports::HttpClient& http, ports::Clock& clock,
                           std::string public_url, DoctorReport& report) {
  const auto key = signing_key_of(settings);
  if (!key) {
    report.skipped(kLink, fmt::format("there is no key to sign one with: {}", key.error().message));
    co_return;
  }
  const link::LinkGenerator links(
      {.public_url = public_url, .region = settings.server.region, .expiration = std::chrono::minutes(1)}, *key);
  const auto absent = s3::ObjectKey::parse("s3link doctor/nothing of that name (\xc3\xbc+100%).txt");
  const auto made = absent ? links.make(settings.bucket.name, *absent, std::nullopt, clock.now())
                           : Result<link::Link>(std::unexpected(absent.error()));
  const auto url = made ? config::split_http_url(made->url.reveal()) : std::unexpected(made.error());
  if (!url) {
    report.failed(kLink, url.error().message, "correct server.public_url");
    co_return;
  }
  const auto answer = co_await get(http, *url, url->target);
  if (!answer) {
    report.failed(kLink, fmt::format("{} could not be asked for one: {}", public_url, answer.error().message),
                  "look at the proxy in front, and its log");
    co_return;
  }
  const std::string* const location = ports::find_field(answer->fields, "Location");
  report.add(doctor::judge_link_answer({.public_url = public_url,
                                        .sent_path = url->target.substr(0, url->target.find('?')),
                                        .status = answer->status,
                                        .location = location ? *location : std::string(),
                                        .body = answer->body}));
}

}  // namespace

Awaitable<void> check_server(const config::Loaded& loaded, ports::HttpClient& http, ports::Clock& clock,
                             DoctorReport& report) {
  const std::string folder = loaded.settings.server.data_dir.string();
  const ServerState state = server_state(loaded.settings.server.data_dir);
  const bool public_url_given = is_given(loaded, "server", "public_url");
  std::string public_url = public_url_given ? loaded.settings.server.public_url : std::string();
  if (state == ServerState::running) {
    const auto access = find_server_without_key(loaded);
    if (access) {
      co_await check_ready(http, access->endpoint(), report);
      public_url = access->public_url;
    } else {
      report.failed(kServer, access.error().message, "look into the server's log");
    }
  } else if (state == ServerState::stopped) {
    report.warning(kServer, fmt::format("no server runs on {}", folder),
                   "start it (s3link serve), or name its folder: server.data_dir");
  } else {
    report.skipped(kServer, fmt::format("this user may not look into {}", folder),
                   "run s3link doctor as root or as the server's user");
  }
  if (public_url.empty()) {
    report.skipped(kPublicUrl, "server.public_url is not set, and no server runs");
    report.skipped("clock", "nothing answered that could tell the time");
  } else if (report.has_time_for(kPublicUrl)) {
    if (co_await check_public_url(http, clock, public_url, report) && report.has_time_for(kLink)) {
      co_await check_link(loaded.settings, http, clock, std::move(public_url), report);
    }
  }
}

}  // namespace s3link::app
