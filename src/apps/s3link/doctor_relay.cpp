#include "apps/s3link/doctor_relay.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

#include "adapters/smtp/relay_probe.hpp"

namespace s3link::app {
namespace {

using namespace std::chrono_literals;
using smtp::ProbeStep;

constexpr std::chrono::milliseconds kTimeout = 10s;

/// One relay to ask, and the settings that lead to it.
struct Relay {
  std::string check;           ///< "relay", "alarm relay"
  std::string section;         ///< "email", "alarm"
  std::string recipients_key;  ///< "email.recipient"
  smtp::RelaySettings settings;
  ports::LoginSecrets* secrets;  ///< may be null
  std::vector<std::string> recipients;
};

std::string_view in_words(ProbeStep step) {
  switch (step) {
    case ProbeStep::connection:
      return "no conversation";
    case ProbeStep::encryption:
      return "no encryption";
    case ProbeStep::login:
      return "the login is refused";
    case ProbeStep::sender:
      return "the sender is not taken";
    case ProbeStep::recipients:
      break;
  }
  return "not taken";
}

std::string fix_of(ProbeStep step, const Relay& relay) {
  switch (step) {
    case ProbeStep::connection:
      return fmt::format("check host and port in {}.transport, and that the relay runs", relay.section);
    case ProbeStep::encryption:
      return fmt::format("check starttls and the host name in {}.transport, and the relay's certificate",
                         relay.section);
    case ProbeStep::login:
      return fmt::format("check the user in {0}.transport and the first line of {0}.password_file", relay.section);
    case ProbeStep::sender:
      return "check email.sender, and that the relay lets this machine or account send from it";
    case ProbeStep::recipients:
      break;
  }
  return fmt::format("check {}, and that the relay forwards for this machine or account", relay.recipients_key);
}

void tell_refusals(const smtp::ProbeReport& probe, const std::string& name, const Relay& relay, DoctorReport& report) {
  for (const auto& refusal : probe.refused) {
    const auto verdict = refusal.error.kind == ErrorKind::denied ? doctor::Verdict::failed : doctor::Verdict::warning;
    report.add({relay.check, verdict,
                fmt::format("{} does not take mail for {}{}: {}", name, refusal.recipient,
                            verdict == doctor::Verdict::warning ? " at the moment" : "", refusal.error.message),
                fix_of(ProbeStep::recipients, relay)});
  }
}

void tell(const smtp::ProbeReport& probe, const std::string& sender, const Relay& relay, DoctorReport& report) {
  const mail::RelayUrl& url = relay.settings.url;
  const std::string name = config::HostPort{url.host, url.port}.text();
  if (!probe.refused.empty()) {
    tell_refusals(probe, name, relay, report);
    return;
  }
  if (probe.failed_at) {
    std::string_view reason = probe.error.message;
    if (const std::string own = fmt::format("relay {}: ", name); reason.starts_with(own)) {
      reason.remove_prefix(own.size());
    }
    report.failed(relay.check, fmt::format("{}: {}: {}", name, in_words(*probe.failed_at), reason),
                  fix_of(*probe.failed_at, relay));
    return;
  }
  const std::string taken =
      fmt::format("{}{} takes mail from {} for {} recipient{}", name,
                  probe.mechanism.empty() ? "" : fmt::format(" (logged in by {})", probe.mechanism), sender,
                  relay.recipients.size(), relay.recipients.size() == 1 ? "" : "s");
  if (probe.encrypted || mail::is_this_machine(url.host)) {
    report.ok(relay.check, taken + (probe.encrypted ? ", encrypted" : ", on this machine"));
  } else {
    report.warning(relay.check, taken + ", but in clear: whoever listens can follow the links",
                   fmt::format("use smtps:// or ?starttls=required in {}.transport", relay.section));
  }
}

Awaitable<void> check_relay(Relay relay, std::string sender, DoctorReport& report) {
  if (!report.has_time_for(relay.check)) co_return;
  Secret secret;
  if (relay.secrets != nullptr) {
    const auto current = co_await relay.secrets->current();
    if (!current) {
      report.failed(relay.check, current.error().message, "check email.oauth, and that the token's issuer is reached");
      co_return;
    }
    secret = (*current)->clone();
  }
  const std::string section = relay.settings.section;
  smtp::RelaySettings settings = relay.settings;
  settings.concurrency = 1;
  settings.timeouts.connect = kTimeout;
  settings.in_all = kTimeout;
  smtp::RelayProbe probe(std::move(settings), std::move(secret));
  const auto answer = co_await probe.ask(sender, relay.recipients);
  if (answer) {
    tell(*answer, sender, relay, report);
  } else {
    report.failed(relay.check, answer.error().message, fmt::format("check {}.transport", section));
  }
}

}  // namespace

Awaitable<void> check_relays(const config::Settings& settings, RelaySecrets& secrets, DoctorReport& report) {
  const std::string sender = settings.email.bounce_address.value_or(settings.email.sender).text();
  std::vector<std::string> recipients;
  for (const mail::Address& address : settings.email.recipients) recipients.push_back(address.text());
  const bool own = settings.alarm.own_transport;
  if (settings.email.relay) {
    std::string key = "email.recipient";
    if (settings.alarm.email && !own) {
      recipients.push_back(settings.alarm.email->text());
      key += " and alarm.email";
    }
    co_await check_relay(
        {"relay", "email", std::move(key), relay_settings(settings), secrets.links(), std::move(recipients)}, sender,
        report);
  } else {
    report.warning(
        "relay", fmt::format("mails are written to {}/outbox, and nobody gets them", settings.server.data_dir.string()),
        "name a relay in email.transport: smtp://user@host:587");
  }
  if (settings.alarm.email && own && settings.alarm.relay) {
    co_await check_relay({"alarm relay",
                          "alarm",
                          "alarm.email",
                          alarm_relay_settings(settings),
                          secrets.alarms(),
                          {settings.alarm.email->text()}},
                         sender, report);
  }
}

}  // namespace s3link::app
