#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/base/secret.hpp"
#include "ports/alarm_subscriber.hpp"
#include "ports/clock.hpp"
#include "ports/http_client.hpp"

namespace s3link::pipeline {

struct AlarmWebhookSettings {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< an IPv6 address without brackets
  std::uint16_t port = 443;
  std::string authority;  ///< for the Host field: as it stands in the URL
  Secret target;          ///< path and query: they may hold a token, so no log or error names them, nor the host
  Secret signing_key;     ///< empty: not signed
  alarm::Source source;
  std::chrono::milliseconds deadline = std::chrono::seconds(10);  ///< of one exchange
};

/// Posts each notification as JSON to one URL (docs/operations.md, "Alarms", has the form and how to check the
/// signature). 2xx: told. 5xx, 408, 425, 429, no answer: to be tried again. All else is refused for good; redirects are
/// not followed, since they would carry the secret elsewhere.
class AlarmWebhook final : public ports::AlarmSubscriber {
 public:
  /// The client and the clock must outlive it.
  AlarmWebhook(AlarmWebhookSettings settings, ports::HttpClient& client, ports::Clock& clock);

  std::string_view name() const noexcept override { return "webhook"; }
  Awaitable<Status> tell(alarm::Notification notification) override;

 private:
  ports::HttpClientRequest request(const std::string& body) const;

  AlarmWebhookSettings settings_;
  ports::HttpClient& client_;
  ports::Clock& clock_;
};

}  // namespace s3link::pipeline
