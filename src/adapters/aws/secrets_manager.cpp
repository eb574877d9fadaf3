#include "adapters/aws/secrets_manager.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <string_view>
#include <utility>

#include "core/base/json_text.hpp"

namespace s3link::aws {
namespace {

namespace json = boost::json;
using Pair = std::shared_ptr<const sigv4::Credentials>;

/// Empty where there is no such member, or it is no text.
std::string text_member(const json::value& document, std::string_view name) {
  const auto* const object = document.if_object();
  const auto* const member = object == nullptr ? nullptr : object->if_contains(name);
  const auto* const text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

std::string get_secret_value_document(std::string_view secret_id) {
  std::string out;
  JsonObject(out).text("SecretId", secret_id);
  return out;
}

/// What was pasted wrongly would be found by nobody but those whose links do not work.
/// Source: AWS IAM API Reference, "AccessKey": of letters, digits and '_', 128 at most.
bool is_access_key_id(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_secret_access_key(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

/// From the answer of GetSecretValue. The error says nothing of what it holds.
Result<Pair> read_pair(const Secret& answer) {
  boost::system::error_code ec;
  const json::value document = json::parse(answer.reveal(), ec);
  if (ec) return fail(ErrorKind::transient, "the answer to GetSecretValue is no JSON", "unknown");
  const Secret text(text_member(document, "SecretString"));
  const json::value pair = json::parse(text.reveal(), ec);
  std::string id = ec ? std::string() : text_member(pair, "AccessKeyId");
  Secret key(ec ? std::string() : text_member(pair, "SecretAccessKey"));
  if (!is_access_key_id(id) || !is_secret_access_key(key.reveal())) {
    return fail(ErrorKind::invalid_argument,
                R"(the secret is not of the form {"AccessKeyId": "…", "SecretAccessKey": "…"})", "NoKeyPair");
  }
  return std::make_shared<const sigv4::Credentials>(
      sigv4::Credentials{.access_key_id = std::move(id), .secret_access_key = std::move(key), .session_token = {}});
}

}  // namespace

Awaitable<Result<Pair>> SecretsManagerCredentials::get(Instant deadline, trace::Segment& under) {
  const Instant begun = clock_.now();
  const bool young = read_at_ && begun - *read_at_ < kMinAge;
  if (young && error_) co_return std::unexpected(*error_);
  const bool old = pair_ && begun - *read_at_ >= kMaxAge;
  if (pair_ && (young || (!refused_ && !old))) co_return pair_;

  Call call{
      .operation = "GetSecretValue",
      .fields = {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", "secretsmanager.GetSecretValue"}},
      .body = Secret(get_secret_value_document(secret_id_)),
      .idempotent = true,
      .host_prefix = {}};
  auto answer = co_await caller_.call(endpoint_, std::move(call), deadline, under);
  auto pair = answer ? read_pair(Secret(std::move(answer->body))) : std::unexpected(std::move(answer.error().error));
  if (!pair && pair_ && !refused_) {
    read_at_ = begun - kMaxAge + kMinAge;  // as good as ever; the next look in kMinAge
    co_return pair_;
  }
  if (!pair && pair.error().kind == ErrorKind::transient) co_return pair;
  read_at_ = begun;
  refused_ = false;
  if (pair) {
    error_.reset();
    pair_ = *pair;
  } else {
    error_ = pair.error();
    pair_.reset();
  }
  co_return pair;
}

}  // namespace s3link::aws
