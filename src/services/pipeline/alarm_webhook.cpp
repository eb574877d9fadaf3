#include "services/pipeline/alarm_webhook.hpp"

#include <span>
#include <utility>

#include "core/alarm/notification_document.hpp"
#include "core/alarm/webhook_signature.hpp"
#include "core/base/encoding.hpp"

namespace s3link::pipeline {
namespace {

/// The whole body in one piece.
class WholeBody final : public ports::HttpBodySource {
 public:
  explicit WholeBody(std::string_view body) : rest_(body) {}
  Awaitable<Result<std::span<const std::byte>>> next() override { co_return as_bytes(std::exchange(rest_, {})); }

 private:
  std::string_view rest_;
};

bool may_pass(unsigned status) noexcept { return status >= 500 || status == 408 || status == 425 || status == 429; }

/// Every failure to get an answer may pass; its text without the host.
Error unanswered(const Error& error, std::string_view host) {
  std::string text;
  std::string_view rest = error.message;
  for (auto at = rest.find(host); at != std::string_view::npos; at = rest.find(host)) {
    text += rest.substr(0, at);
    text += "webhook";
    rest.remove_prefix(at + host.size());
  }
  text += rest;
  return {ErrorKind::transient, std::move(text), error.code};
}

}  // namespace

AlarmWebhook::AlarmWebhook(AlarmWebhookSettings settings, ports::HttpClient& client, ports::Clock& clock)
    : settings_(std::move(settings)), client_(client), clock_(clock) {}

ports::HttpClientRequest AlarmWebhook::request(const std::string& body) const {
  ports::HttpClientRequest out;
  out.scheme = settings_.scheme;
  out.host = settings_.host;
  out.port = settings_.port;
  out.method = "POST";
  out.target = settings_.target.reveal();
  out.fields = {
      {"Host", settings_.authority}, {"Content-Type", "application/json"}, {"User-Agent", "s3link/" S3LINK_VERSION}};
  if (!settings_.signing_key.empty()) {
    out.fields.emplace_back(alarm::kSignatureHeader,
                            alarm::webhook_signature(settings_.signing_key, clock_.now(), body));
  }
  out.body_length = body.size();
  return out;
}

Awaitable<Status> AlarmWebhook::tell(alarm::Notification notification) {
  const std::string body = alarm::notification_document(notification, settings_.source);
  WholeBody source(body);
  const auto answer = co_await client_.exchange(request(body), &source, settings_.deadline);
  if (!answer) co_return std::unexpected(unanswered(answer.error(), settings_.host));
  if (answer->status / 100 == 2) co_return Status{};
  co_return fail(may_pass(answer->status) ? ErrorKind::transient : ErrorKind::denied,
                 "answered " + std::to_string(answer->status));
}

}  // namespace s3link::pipeline
