#include "services/link/oauth_tokens.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/base/foreign_text.hpp"

namespace s3link::link {
namespace {

using namespace std::chrono_literals;

/// For an answer without expires_in (RFC 6749 §5.1 recommends it).
constexpr std::chrono::seconds kUsualLife = 10min;
constexpr std::chrono::seconds kLongestLife = 24h;
/// A token is renewed this long before its end, or at half its life where that is later.
constexpr std::chrono::seconds kMargin = 5min;
constexpr std::size_t kMaxDescription = 400;

/// The whole body in one piece.
class WholeBody final : public ports::HttpBodySource {
 public:
  explicit WholeBody(std::string_view body) : rest_(body) {}
  Awaitable<Result<std::span<const std::byte>>> next() override { co_return as_bytes(std::exchange(rest_, {})); }

 private:
  std::string_view rest_;
};

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!out.empty()) out += '&';
  out += name;
  out += '=';
  append_uri_encoded(out, value);
}

const boost::json::object* object_of(const boost::json::value& json) { return json.if_object(); }

std::string text_of(const boost::json::object& json, std::string_view name) {
  const auto* const value = json.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// A number, or the text of one: Azure's older endpoints write "3599".
std::chrono::seconds life_of(const boost::json::object& json) {
  const auto* const value = json.if_contains("expires_in");
  std::int64_t seconds = kUsualLife.count();
  if (value != nullptr && value->is_number()) {
    boost::system::error_code ignored;
    seconds = value->to_number<std::int64_t>(ignored);
  } else if (value != nullptr && value->is_string()) {
    const auto& text = value->get_string();
    if (!text.empty() && text.size() < 10 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
      seconds = std::stoll(std::string(text));
    }
  }
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kLongestLife.count()));
}

bool may_pass(unsigned status) noexcept { return status >= 500 || status == 408 || status == 425 || status == 429; }

/// What the setting to look at is, by the error codes of RFC 6749 §5.2.
std::string_view advice(std::string_view code) {
  if (code == "invalid_grant") return "check email.oauth.refresh_token_file";
  if (code == "invalid_scope") return "check email.oauth.scope";
  return "check email.oauth.client_id and email.oauth.client_secret_file";
}

}  // namespace

/// One request that several may wait for.
struct OauthTokens::Fetch {
  explicit Fetch(const asio::any_io_executor& executor) : done(executor, asio::steady_timer::time_point::max()) {}
  asio::steady_timer done;  ///< never expires; cancelled when there is a result
  Result<Shared> result = fail(ErrorKind::transient, "email.oauth.token_url: the request was broken off");
};

OauthTokens::OauthTokens(OauthSettings settings, OauthSecrets secrets, ports::HttpClient& http, ports::Clock& clock)
    : settings_(std::move(settings)), http_(http), clock_(clock), secrets_(std::move(secrets)) {}
OauthTokens::~OauthTokens() = default;

Awaitable<Result<ports::LoginSecrets::Shared>> OauthTokens::current() {
  {
    const std::scoped_lock lock(mutex_);
    if (token_ && clock_.steady_now() < renew_at_) co_return token_;
  }
  co_return co_await fetched();
}

Awaitable<Result<ports::LoginSecrets::Shared>> OauthTokens::after_refusal_of(Shared refused) {
  {
    const std::scoped_lock lock(mutex_);
    if (token_ && token_ != refused) co_return token_;
    token_.reset();
  }
  co_return co_await fetched();
}

void OauthTokens::use(OauthSecrets fresh) {
  const std::scoped_lock lock(mutex_);
  secrets_ = std::move(fresh);
  token_.reset();
}

Awaitable<Result<ports::LoginSecrets::Shared>> OauthTokens::fetched() {
  if (const auto running = running_) {
    co_await running->done.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return running->result;
  }
  const auto fetch = std::make_shared<Fetch>(co_await asio::this_coro::executor);
  // Also where this coroutine is broken off: who waits then gets the error above, and asks again.
  struct Finish {
    OauthTokens& tokens;
    Fetch& fetch;
    ~Finish() {
      tokens.running_.reset();
      fetch.done.cancel();
    }
  };
  running_ = fetch;
  const Finish finish{*this, *fetch};
  fetch->result = co_await ask();
  co_return fetch->result;
}

std::string OauthTokens::request_body() {
  const std::scoped_lock lock(mutex_);
  const bool refresh = !secrets_.refresh_token.empty();
  std::string out;
  append_field(out, "grant_type", refresh ? "refresh_token" : "client_credentials");
  append_field(out, "client_id", settings_.client_id);
  append_field(out, "client_secret", secrets_.client_secret.reveal());
  if (refresh) append_field(out, "refresh_token", secrets_.refresh_token.reveal());
  append_field(out, "scope", settings_.scope);
  return out;
}

Awaitable<Result<ports::LoginSecrets::Shared>> OauthTokens::ask() {
  const Secret body(request_body());
  ports::HttpClientRequest request;
  request.scheme = settings_.scheme;
  request.host = settings_.host;
  request.port = settings_.port;
  request.method = "POST";
  request.target = settings_.target;
  request.fields = {{"Host", settings_.authority},
                    {"Content-Type", "application/x-www-form-urlencoded"},
                    {"Accept", "application/json"},
                    {"User-Agent", "s3link/" S3LINK_VERSION}};
  request.body_length = body.reveal().size();
  WholeBody source(body.reveal());
  auto answer = co_await http_.exchange(std::move(request), &source, settings_.deadline);
  if (!answer) {
    co_return fail(ErrorKind::transient,
                   "email.oauth.token_url: no token: " + foreign_line(answer.error().message, kMaxDescription));
  }
  co_return take(*answer);
}

Result<ports::LoginSecrets::Shared> OauthTokens::take(const ports::HttpClientResponse& answer) {
  boost::system::error_code wrong;
  const auto json = boost::json::parse(answer.body, wrong);
  const auto* const object = wrong ? nullptr : object_of(json);
  if (answer.status != 200 || object == nullptr || text_of(*object, "access_token").empty()) {
    std::string message = "email.oauth.token_url: no token: ";
    const std::string code = object == nullptr ? "" : foreign_line(text_of(*object, "error"), 60);
    if (code.empty()) {
      message += answer.status == 200 ? "the answer holds none" : "answered " + std::to_string(answer.status);
      if (answer.status == 200 || may_pass(answer.status)) return fail(ErrorKind::transient, std::move(message));
      return fail(ErrorKind::denied, std::move(message));
    }
    message += code;
    if (const std::string said = text_of(*object, "error_description"); !said.empty()) {
      message += ": " + foreign_line(said, kMaxDescription);
    }
    if (may_pass(answer.status) || code == "temporarily_unavailable") {
      return fail(ErrorKind::transient, std::move(message));
    }
    return fail(ErrorKind::denied, message + " (" + std::string(advice(code)) + ")");
  }
  auto token = std::make_shared<const Secret>(text_of(*object, "access_token"));
  const std::chrono::seconds life = life_of(*object);
  const std::scoped_lock lock(mutex_);
  if (std::string fresh = text_of(*object, "refresh_token"); !fresh.empty() && !secrets_.refresh_token.empty()) {
    secrets_.refresh_token = Secret(std::move(fresh));
  }
  token_ = token;
  renew_at_ = clock_.steady_now() + std::max(life - kMargin, life / 2);
  return token;
}

}  // namespace s3link::link
