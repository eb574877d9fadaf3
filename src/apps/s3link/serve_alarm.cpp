#include "apps/s3link/serve_alarm.hpp"

#include <filesystem>
#include <utility>
#include <vector>

#include "adapters/http_client/beast_client.hpp"
#include "adapters/smtp/outbox_folder.hpp"
#include "adapters/smtp/smtp_sender.hpp"
#include "apps/s3link/relay_secrets.hpp"
#include "apps/s3link/wording.hpp"
#include "core/config/values.hpp"
#include "services/pipeline/alarm.hpp"
#include "services/pipeline/alarm_mail.hpp"
#include "services/pipeline/alarm_topic.hpp"
#include "services/pipeline/alarm_webhook.hpp"

namespace s3link::app {
namespace {

/// Who sends alarm mails. Empty: the sender of the link mails.
Result<std::unique_ptr<ports::MailSender>> sender_of(const config::Settings& settings,
                                                     ports::LoginSecrets* relay_secrets) {
  const bool own = settings.alarm.own_transport;
  if (own ? settings.alarm.relay : settings.email.relay) {
    smtp::RelaySettings relay = own ? alarm_relay_settings(settings) : relay_settings(settings);
    relay.concurrency = 1;
    return std::make_unique<smtp::SmtpSender>(std::move(relay), relay_secrets);
  }
  if (!settings.email.relay) return nullptr;
  auto folder = smtp::OutboxFolder::open(settings.server.data_dir / "outbox");
  if (!folder) return std::unexpected(folder.error());
  return std::move(*folder);
}

pipeline::AlarmWebhookSettings webhook_settings(const config::Settings& settings, NamedFiles& files,
                                                alarm::Source source) {
  auto url = config::split_http_url(settings.alarm.webhook.reveal()).value();  // checked when it was set
  return {.scheme = std::move(url.scheme),
          .host = std::move(url.peer.host),
          .port = url.peer.port,
          .authority = std::move(url.authority),
          .target = Secret(std::move(url.target)),
          .signing_key = std::move(files.webhook_secret),
          .source = std::move(source)};
}

}  // namespace

server::AlarmsDocument alarms_document(const config::Settings& settings, ports::AlarmStore& store,
                                       const pipeline::RelayGate& relay, pipeline::ClockGuard& guard,
                                       const pipeline::StorageWatch& storage, ports::Clock& clock) {
  server::AlarmsSettings shown{.dead_letter_threshold = settings.alarm.dead_letter_threshold,
                               .max_wait = settings.alarm.max_wait,
                               .subscribers = {},
                               .relay = [&relay] { return relay.status(); },
                               .clock = [&guard] { return guard.status(); },
                               .storage_fails_since =
                                   [&storage] {
                                     const auto trouble = storage.trouble();
                                     return trouble ? std::optional(trouble->since) : std::nullopt;
                                   }};
  if (settings.alarm.email) shown.subscribers.emplace_back("email");
  if (!settings.alarm.webhook.empty()) shown.subscribers.emplace_back("webhook");
  return {std::move(shown), store, clock};
}

/// In the order in which it is built.
struct ServeAlarm::Parts {
  std::unique_ptr<ports::MailSender> own_sender;
  std::unique_ptr<http_client::BeastClient> client;
  std::vector<std::unique_ptr<ports::AlarmSubscriber>> subscribers;
  std::unique_ptr<pipeline::AlarmTopic> topic;
  std::unique_ptr<pipeline::Alarm> alarm;
};

ServeAlarm::ServeAlarm(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ServeAlarm::~ServeAlarm() = default;

Result<std::unique_ptr<ServeAlarm>> ServeAlarm::make(const config::Settings& settings, NamedFiles& files,
                                                     ports::LoginSecrets* relay_secrets, std::string public_url,
                                                     sqlite_store::Store& store, ports::MailSender& links,
                                                     pipeline::RelayGate& relay, pipeline::ClockGuard& guard,
                                                     pipeline::StorageWatch& storage, asio::io_context& context,
                                                     ports::Clock& clock, ports::Random& random,
                                                     ports::Logger& logger) {
  auto parts = std::make_unique<Parts>();
  const alarm::Source source{
      .server = std::move(public_url),
      .bucket = settings.bucket.name.text(),
      .options = "--data-dir " +
                 quoted_for_shell(std::filesystem::absolute(settings.server.data_dir).lexically_normal().string()),
      .origins = store.origins()};
  if (settings.alarm.email) {
    auto sender = sender_of(settings, relay_secrets);
    if (!sender) return std::unexpected(sender.error());
    parts->own_sender = std::move(*sender);
    parts->subscribers.push_back(std::make_unique<pipeline::AlarmMail>(
        pipeline::AlarmMailSettings{.sender = settings.email.sender,
                                    .sender_name = settings.email.sender_name,
                                    .recipient = *settings.alarm.email,
                                    .source = source,
                                    .bounce_address = settings.email.bounce_address},
        parts->own_sender ? *parts->own_sender : links));
  }
  if (!settings.alarm.webhook.empty()) {
    parts->client = std::make_unique<http_client::BeastClient>(
        context.get_executor(), http_client::ClientOptions{.trust = {}, .max_idle_per_peer = 0});
    parts->subscribers.push_back(
        std::make_unique<pipeline::AlarmWebhook>(webhook_settings(settings, files, source), *parts->client, clock));
  }
  std::vector<ports::AlarmSubscriber*> subscribers;
  for (const auto& subscriber : parts->subscribers) subscribers.push_back(subscriber.get());
  parts->topic = std::make_unique<pipeline::AlarmTopic>(pipeline::AlarmFeedSettings{}, subscribers, store.alarms(),
                                                        clock, random, logger);
  parts->alarm = std::make_unique<pipeline::Alarm>(
      pipeline::AlarmSettings{.dead_letter_threshold = settings.alarm.dead_letter_threshold,
                              .max_wait = settings.alarm.max_wait,
                              .period = settings.alarm.period,
                              .policy = {.min_interval = settings.alarm.min_interval},
                              .relay = [&relay] { return relay.status(); },
                              .clock = [&guard] { return guard.report(); },
                              .storage = [&storage] { return storage.trouble(); }},
      store.alarms(), *parts->topic, clock, logger);
  relay.on_change(parts->alarm->waker());
  guard.on_change(parts->alarm->waker());
  storage.on_change(parts->alarm->waker());
  return std::unique_ptr<ServeAlarm>(new ServeAlarm(std::move(parts)));
}

void ServeAlarm::run(const std::function<void(std::string_view, Awaitable<void>)>& add) {
  add("alarm", parts_->alarm->run());
  add("alarm topic", parts_->topic->run());
}

void ServeAlarm::stop() {
  parts_->alarm->stop();
  parts_->topic->stop();
}

}  // namespace s3link::app
