#include "core/config/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/encoding.hpp"
#include "core/config/mail_address.hpp"
#include "core/config/quantity.hpp"
#include "core/config/values.hpp"

namespace s3link::config {
namespace {

using Texts = std::vector<std::string>;
using std::chrono::seconds;
constexpr seconds kDay = std::chrono::days(1);

/// Stores what a parser made of the one text, or passes its error on.
template <class T, class Target>
Status store(Result<T> parsed, Target& target) {
  if (!parsed) return std::unexpected(parsed.error());
  target = std::move(*parsed);
  return {};
}

Status store_duration(const Texts& texts, seconds min, seconds max, seconds& target) {
  const auto value = parse_duration(texts.at(0));
  if (!value) return std::unexpected(value.error());
  if (*value < min || *value > max) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("outside {} to {}", format_duration(min), format_duration(max)));
  }
  target = *value;
  return {};
}

Status store_rate(const Texts& texts, std::optional<mail::Rate>& target) {
  target.reset();
  if (texts.empty() || texts.at(0) == "none") return {};
  const auto rate = mail::Rate::parse(texts.at(0));
  if (!rate) return fail(ErrorKind::invalid_argument, rate.error().message + ", or none");
  target = *rate;
  return {};
}

Status store_count(const Texts& texts, unsigned min, unsigned max, unsigned& target) {
  const auto value = parse_whole_number(texts.at(0), min, max);
  if (!value) return std::unexpected(value.error());
  target = static_cast<unsigned>(*value);
  return {};
}

/// `range` is the bounds in words.
Status store_size(const Texts& texts, std::uint64_t min, std::uint64_t max, std::string_view range,
                  std::uint64_t& target) {
  const auto value = parse_size(texts.at(0));
  if (!value) return std::unexpected(value.error());
  if (*value < min || *value > max) return fail(ErrorKind::invalid_argument, "outside " + std::string(range));
  target = *value;
  return {};
}

Status store_path(const Texts& texts, std::optional<std::filesystem::path>& target) {
  if (texts.empty()) {
    target.reset();
    return {};
  }
  return store(parse_line(texts.at(0), 4000), target);
}

/// Stores what `parse` makes of the text; no text: an empty string.
Status store_or_clear(const Texts& texts, Result<std::string> (*parse)(std::string_view), std::string& target) {
  if (texts.empty()) {
    target.clear();
    return {};
  }
  return store(parse(texts.at(0)), target);
}

Status set_webhook(Settings& settings, const Texts& texts) {
  std::string url;
  if (const auto stored = store_or_clear(texts, parse_http_url, url); !stored) return stored;
  settings.alarm.webhook = Secret(std::move(url));
  return {};
}

Status set_secret(Settings& settings, const Texts& texts) {
  if (texts.empty()) {
    settings.auth.secret_access_key = Secret();
    return {};
  }
  const std::string& text = texts.at(0);
  if (text.size() < 8 || text.size() > 128 ||
      !std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; })) {
    return fail(ErrorKind::invalid_argument, "not a secret access key: 8 to 128 printable ASCII characters, no blanks");
  }
  settings.auth.secret_access_key = Secret(std::string(text));
  return {};
}

Status set_metrics_token(Settings& settings, const Texts& texts) {
  if (texts.empty() || texts.at(0).empty()) {
    settings.metrics.token = Secret();
    return {};
  }
  const std::string& text = texts.at(0);
  if (text.size() < 16 || text.size() > 256 ||
      !std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; })) {
    return fail(ErrorKind::invalid_argument, "not a token: 16 to 256 printable ASCII characters, no blanks");
  }
  settings.metrics.token = Secret(std::string(text));
  return {};
}

Status set_recipients(Settings& settings, const Texts& texts) {
  std::vector<mail::Address> recipients;
  for (const std::string& text : texts) {
    auto address = parse_mail_address(text);
    if (!address) return std::unexpected(address.error());
    if (std::ranges::find(recipients, *address) != recipients.end()) {
      return fail(ErrorKind::invalid_argument, fmt::format("{} is named twice", text));
    }
    recipients.push_back(std::move(*address));
  }
  if (recipients.empty()) return fail(ErrorKind::invalid_argument, "names nobody; give at least one address");
  if (recipients.size() > 100) return fail(ErrorKind::invalid_argument, "more than 100 addresses");
  settings.email.recipients = std::move(recipients);
  return {};
}

Status set_trusted_proxies(Settings& settings, const Texts& texts) {
  std::vector<IpNetwork> networks;
  for (const std::string& text : texts) {
    auto network = IpNetwork::parse(text);
    if (!network) return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", text, network.error().message));
    networks.push_back(std::move(*network));
  }
  settings.server.trusted_proxies = std::move(networks);
  return {};
}

Status store_transport(const std::string& text, std::optional<mail::RelayUrl>& target) {
  if (text == "outbox") {
    target.reset();
    return {};
  }
  auto relay = mail::RelayUrl::parse(text);
  if (!relay) return fail(ErrorKind::invalid_argument, relay.error().message + ", or outbox");
  target = std::move(*relay);
  return {};
}

Status set_transport(Settings& settings, const Texts& texts) {
  return store_transport(texts.at(0), settings.email.relay);
}

Status set_auth(Settings& settings, const Texts& texts) {
  using enum mail::RelayAuth;
  constexpr std::array<std::pair<std::string_view, mail::RelayAuth>, 5> kNames{
      {{"auto", automatic}, {"plain", plain}, {"login", login}, {"xoauth2", xoauth2}, {"none", none}}};
  const auto* const found = std::ranges::find(kNames, texts.at(0), [](const auto& entry) { return entry.first; });
  if (found == kNames.end()) {
    return fail(ErrorKind::invalid_argument, "not one of auto, plain, login, xoauth2, none");
  }
  settings.email.auth = found->second;
  return {};
}

Status set_language(Settings& settings, const Texts& texts) {
  const auto found =
      std::ranges::find(kLanguages, texts.at(0), [](Language language) { return std::string(to_string(language)); });
  if (found == kLanguages.end()) {
    return fail(ErrorKind::invalid_argument, "not one of en, de, fr, es, it, nl, pl, uk");
  }
  settings.email.language = *found;
  return {};
}

/// A domain, or an address in brackets: what EHLO takes (RFC 5321 §4.1.3).
Result<std::string> parse_helo_name(std::string_view text) {
  if (text.size() > 2 && text.size() <= 64 && text.front() == '[' && text.back() == ']' &&
      std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == ':';
      })) {
    return std::string(text);
  }
  auto domain = parse_domain(text);
  if (!domain)
    return fail(ErrorKind::invalid_argument, "not a domain name, nor an address in brackets like [192.0.2.1]");
  return domain;
}

/// Tokens are passwords: the way to them is encrypted.
Status set_token_url(Settings& settings, const Texts& texts) {
  if (const Status stored = store_or_clear(texts, parse_http_url, settings.email.oauth.token_url); !stored) {
    return stored;
  }
  if (settings.email.oauth.token_url.empty()) return {};
  const auto url = split_http_url(settings.email.oauth.token_url);
  if (!url) return std::unexpected(url.error());
  if (url->scheme != "https" && !mail::is_this_machine(url->peer.host)) {
    return fail(ErrorKind::invalid_argument, "http:// would send the client's secret in clear; use https://");
  }
  return {};
}

/// A text of one line, or none.
Status store_line(const Texts& texts, std::string& target) {
  if (texts.empty()) {
    target.clear();
    return {};
  }
  return store(parse_line(texts.at(0), 2000), target);
}

Status store_address(const Texts& texts, std::optional<mail::Address>& target) {
  if (texts.empty()) {
    target.reset();
    return {};
  }
  return store(parse_mail_address(texts.at(0)), target);
}

Status set_alarm_transport(Settings& settings, const Texts& texts) {
  settings.alarm.own_transport = !texts.empty();
  settings.alarm.relay.reset();
  return texts.empty() ? Status{} : store_transport(texts.at(0), settings.alarm.relay);
}

Status set_level(Settings& settings, const Texts& texts) {
  constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
  const auto* const found = std::ranges::find(kNames, texts.at(0));
  if (found == kNames.end()) return fail(ErrorKind::invalid_argument, "not one of debug, info, warning, error");
  settings.log.level = static_cast<LogLevel>(found - kNames.begin());
  return {};
}

Status set_format(Settings& settings, const Texts& texts) {
  if (texts.empty()) {
    settings.log.format = LogFormat::automatic;
  } else if (texts.at(0) == "text") {
    settings.log.format = LogFormat::text;
  } else if (texts.at(0) == "json") {
    settings.log.format = LogFormat::json;
  } else {
    return fail(ErrorKind::invalid_argument, "not one of text, json");
  }
  return {};
}

// section, name, type, default, derived default, example, help, published name, secret, set
const std::array kKeys{
    Key{"server", "listen", ValueType::text, "127.0.0.1:9000", "", "",
        "Address and port of the S3 API and the links. Port 0 takes any free one;\n"
        "what was taken is printed and written to data_dir/listen.",
        "", false, [](Settings& s, const Texts& t) { return store(parse_host_port(t.at(0), 0), s.server.listen); }},
    Key{"server", "public_url", ValueType::text, "", "http:// (with tls_certificate https://) and server.listen",
        "https://files.example.org",
        "What links start with, as recipients reach this server: scheme, host and port,\n"
        "no path. Set it when recipients are on other machines.",
        "", false,
        [](Settings& s, const Texts& t) { return store_or_clear(t, parse_http_origin, s.server.public_url); }},
    Key{"server", "data_dir", ValueType::path, "data", "", "",
        "Folder for everything that is kept: database, encrypted files, keys, outbox.\n"
        "Made at the first start, readable by its owner only. One server at a time.",
        "", false,
        [](Settings& s, const Texts& t) -> Status {
          if (t.at(0).empty()) return fail(ErrorKind::invalid_argument, "empty; name a folder");
          return store(parse_line(t.at(0), 4000), s.server.data_dir);
        }},
    Key{"server", "region", ValueType::text, "us-east-1", "", "", "The region clients sign requests for.", "", false,
        [](Settings& s, const Texts& t) { return store(parse_region(t.at(0)), s.server.region); }},
    Key{"server", "domain", ValueType::text, "", "", "s3.example.org",
        "Domain for virtual-host style requests (BUCKET.s3.example.org). Without it, path\n"
        "style only (/BUCKET/KEY).",
        "", false, [](Settings& s, const Texts& t) { return store_or_clear(t, parse_domain, s.server.domain); }},
    Key{"server", "tls_certificate", ValueType::path, "", "", "/etc/s3link/fullchain.pem",
        "Certificate chain (PEM) to serve HTTPS with; needs tls_key. Read again on SIGHUP.", "", false,
        [](Settings& s, const Texts& t) { return store_path(t, s.server.tls_certificate); }},
    Key{"server", "tls_key", ValueType::path, "", "", "/etc/s3link/key.pem",
        "Private key (PEM) of tls_certificate. Read again on SIGHUP.", "", false,
        [](Settings& s, const Texts& t) { return store_path(t, s.server.tls_key); }},
    Key{"server", "max_connections", ValueType::whole_number, "4096", "", "",
        "Connections at a time, 1 to 1000000. More wait to be accepted.", "", false,
        [](Settings& s, const Texts& t) { return store_count(t, 1, 1'000'000, s.server.max_connections); }},
    Key{"server", "max_connections_per_address", ValueType::whole_number, "512", "", "",
        "Of these, how many one address may have; more are closed. 0 sets no limit. This\n"
        "machine (loopback) and trusted_proxies have none.",
        "", false,
        [](Settings& s, const Texts& t) { return store_count(t, 0, 1'000'000, s.server.max_connections_per_address); }},
    Key{"server", "trusted_proxies", ValueType::list, "", "", "127.0.0.1, 10.0.0.0/8",
        "Addresses and networks of reverse proxies in front. Of their requests, the client's\n"
        "address in logs and access logs is the one in X-Forwarded-For or Forwarded.",
        "", false, set_trusted_proxies},
    Key{"server", "max_object_size", ValueType::size, "5TiB", "", "", "Largest object accepted, 1 byte to 5TiB.", "",
        false,
        [](Settings& s, const Texts& t) -> Status {
          return store_size(t, 1, 5ULL << 40, "1 to 5TiB", s.server.max_object_size_bytes);
        }},

    Key{"auth", "access_key_id", ValueType::text, "", "from data_dir/credentials, made at the first start",
        "EXAMPLEKEYID", "Access key of the S3 API. With secret_access_key it replaces data_dir/credentials.", "", false,
        [](Settings& s, const Texts& t) { return store_or_clear(t, parse_access_key_id, s.auth.access_key_id); }},
    Key{"auth", "secret_access_key", ValueType::text, "", "from data_dir/credentials, made at the first start",
        "AtLeastEightCharacters", "Secret of access_key_id. Better left to data_dir/credentials.", "", true,
        set_secret},
    Key{"auth", "master_key_file", ValueType::path, "", "data_dir/master.key, made at the first start",
        "/etc/s3link/master.key",
        "The key that encrypts everything stored: 64 hexadecimal characters. Without it\n"
        "the data folder is unreadable, so keep a copy elsewhere.",
        "", false,
        [](Settings& s, const Texts& t) -> Status {
          if (t.empty()) {
            s.auth.master_key_file.clear();
            return {};
          }
          return store(parse_line(t.at(0), 4000), s.auth.master_key_file);
        }},

    Key{"bucket", "name", ValueType::text, "file-exchange", "", "", "The bucket whose new objects are mailed.",
        "FileExchangeBucket", false,
        [](Settings& s, const Texts& t) { return store(s3::BucketName::parse(t.at(0)), s.bucket.name); }},
    Key{"bucket", "logs_name", ValueType::text, "", "bucket.name and \"-access-logs\"", "file-exchange-access-logs",
        "The bucket that receives its access logs.", "FileExchangeBucketLogs", false,
        [](Settings& s, const Texts& t) -> Status {
          if (t.empty()) return {};  // load() derives it once bucket.name is known
          return store(s3::BucketName::parse(t.at(0)), s.bucket.logs_name);
        }},
    Key{"bucket", "object_ttl", ValueType::duration, "1d", "", "",
        "How long an object is kept after its upload, 1s to 36500d. Then its bytes are\n"
        "removed from disk. A change holds for new uploads: what is stored keeps its time,\n"
        "which its mail has told and s3link ls shows.",
        "ExchangableObjectsTTL", false,
        [](Settings& s, const Texts& t) { return store_duration(t, seconds(1), 36500 * kDay, s.bucket.object_ttl); }},
    Key{"bucket", "max_bytes", ValueType::size, "", "", "100GiB",
        "What all objects of the bucket, and the parts of unfinished uploads to it, may\n"
        "hold together, 1 byte to 1024PiB. Uploads beyond it are refused (403 QuotaExceeded).",
        "", false,
        [](Settings& s, const Texts& t) -> Status {
          s.bucket.max_bytes.reset();
          if (t.empty()) return {};
          std::uint64_t bytes = 0;
          if (auto stored = store_size(t, 1, 1ULL << 60, "1 to 1024PiB", bytes); !stored) return stored;
          s.bucket.max_bytes = bytes;
          return {};
        }},
    Key{"bucket", "max_objects", ValueType::whole_number, "", "", "10000",
        "How many objects the bucket may hold, 1 to 1000000000. New ones beyond it are\n"
        "refused (403 QuotaExceeded).",
        "", false,
        [](Settings& s, const Texts& t) -> Status {
          s.bucket.max_objects.reset();
          if (t.empty()) return {};
          const auto value = parse_whole_number(t.at(0), 1, 1'000'000'000);
          if (!value) return std::unexpected(value.error());
          s.bucket.max_objects = *value;
          return {};
        }},

    Key{"link", "expiration", ValueType::duration, "5h", "", "",
        "How long a mailed link works, 1s to 7d, at most bucket.object_ttl.", "LinkExpirationPeriod", false,
        [](Settings& s, const Texts& t) { return store_duration(t, seconds(1), 7 * kDay, s.link.expiration); }},

    Key{"email", "sender", ValueType::text, "s3link@localhost", "", "", "Address the mails come from.", "EmailSender",
        false, [](Settings& s, const Texts& t) { return store(parse_mail_address(t.at(0)), s.email.sender); }},
    Key{"email", "sender_name", ValueType::text, "", "the organisation in the sender's domain, else s3link",
        "Example & Sons",
        "Who sends the files, in the words of the recipients: shown beside the sender's address\n"
        "and in the mail. From files@mail.example.org it is \"example\". Empty: no name.",
        "EmailSender", false,
        [](Settings& s, const Texts& t) -> Status {
          s.email.sender_name.clear();  // load() derives it once email.sender is known
          return t.empty() ? Status{} : store(parse_line(t.at(0), 200), s.email.sender_name);
        }},
    Key{"email", "recipient", ValueType::list, "you@localhost", "", "",
        "Who receives the links: one address, or a list of up to 100 (in the environment\n"
        "with commas). Everyone gets a mail of their own.",
        "EmailRecipient", false, set_recipients},
    Key{"email", "transport", ValueType::text, "outbox", "", "",
        "outbox: mails are written to data_dir/outbox as .eml files. Or a relay:\n"
        "smtp://[user@]host:port[?starttls=required|optional|never], smtps://[user@]host:port.\n"
        "Without starttls=: required with a user, else optional.",
        "", false, set_transport},
    Key{"email", "password_file", ValueType::path, "", "", "/etc/s3link/relay-password",
        "File whose first line is the password of the relay's user. Read again on SIGHUP, and\n"
        "when the relay refuses the login.",
        "", false,
        [](Settings& s, const Texts& t) { return store_path(t, s.email.password_file); }},
    Key{"email", "template_dir", ValueType::path, "", "built-in templates", "/etc/s3link/templates",
        "Folder with subject.txt, body.html and body.txt (mustache); a missing file is\n"
        "taken from the built-in ones. Read again on SIGHUP.",
        "LinkTemplate", false, [](Settings& s, const Texts& t) { return store_path(t, s.email.template_dir); }},
    Key{"email", "language", ValueType::text, "en", "", "",
        "What the mails are written in, and the pages for links that do not open where the\n"
        "browser asks for nothing else: en, de, fr, es, it, nl, pl or uk.",
        "", false, set_language},
    Key{"email", "time_zone", ValueType::text, "", "this machine's (TZ, /etc/localtime), else UTC", "Europe/Berlin",
        "The zone of the deadlines in the mails: a name of the IANA time zone database, or UTC.", "", false,
        [](Settings& s, const Texts& t) { return store_line(t, s.email.time_zone); }},
    Key{"email", "auth", ValueType::text, "auto", "", "",
        "How to log in at the relay, where email.transport names a user: auto, plain, login,\n"
        "xoauth2 or none. auto: xoauth2 where email.oauth.token_url is set, else PLAIN, then\n"
        "LOGIN, as far as the relay offers them; CRAM-MD5 where it offers neither.",
        "", false, set_auth},
    Key{"email", "helo_name", ValueType::text, "", "this machine's full name, or the sender's domain",
        "files.example.org", "The name to greet relays with (EHLO).", "", false,
        [](Settings& s, const Texts& t) { return store_or_clear(t, parse_helo_name, s.email.helo_name); }},
    Key{"email", "ca_file", ValueType::path, "", "SSL_CERT_FILE and SSL_CERT_DIR, or the system's roots",
        "/etc/s3link/relay-ca.pem",
        "Certificates (PEM) to trust at relays, in place of the system's. For email.transport\n"
        "and alarm.transport.",
        "", false, [](Settings& s, const Texts& t) { return store_path(t, s.email.ca_file); }},
    Key{"email", "reply_to", ValueType::text, "", "email.sender", "office@example.org",
        "Address that answers to the mails go to (Reply-To).", "", false,
        [](Settings& s, const Texts& t) { return store_address(t, s.email.reply_to); }},
    Key{"email", "bounce_address", ValueType::text, "", "email.sender", "bounces@example.org",
        "Address that reports of mails that cannot be delivered go to (envelope sender).", "", false,
        [](Settings& s, const Texts& t) { return store_address(t, s.email.bounce_address); }},
    Key{"email", "oauth.token_url", ValueType::text, "", "",
        "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token",
        "Where tokens to log in with come from (OAuth 2.0, XOAUTH2): Microsoft 365, Google.", "", false, set_token_url},
    Key{"email", "oauth.client_id", ValueType::text, "", "", "11111111-2222-3333-4444-555555555555",
        "Our name there.", "", false,
        [](Settings& s, const Texts& t) { return store_line(t, s.email.oauth.client_id); }},
    Key{"email", "oauth.client_secret_file", ValueType::path, "", "", "/etc/s3link/client-secret",
        "File whose first line is the client's secret. Read again on SIGHUP.", "", false,
        [](Settings& s, const Texts& t) { return store_path(t, s.email.oauth.client_secret_file); }},
    Key{"email", "oauth.scope", ValueType::text, "", "", "https://outlook.office365.com/.default",
        "What the token is for.", "", false,
        [](Settings& s, const Texts& t) { return store_line(t, s.email.oauth.scope); }},
    Key{"email", "oauth.refresh_token_file", ValueType::path, "", "", "/etc/s3link/refresh-token",
        "File whose first line is a refresh token of the user of email.transport. Without it,\n"
        "the client's own credentials are used. Read again on SIGHUP.",
        "", false, [](Settings& s, const Texts& t) { return store_path(t, s.email.oauth.refresh_token_file); }},

    Key{"email", "max_connections", ValueType::whole_number, "4", "", "",
        "Mails handed to the relay at a time, 1 to 256. A relay that asks for less gets\n"
        "less by itself.",
        "", false, [](Settings& s, const Texts& t) { return store_count(t, 1, 256, s.email.max_connections); }},
    Key{"email", "rate", ValueType::text, "", "", "30/m",
        "Most mails that leave in a time, spread evenly: 1/s, 30/m, 60/h, 1000/d. Without\n"
        "it, or with none, as many as the relay takes.",
        "", false, [](Settings& s, const Texts& t) { return store_rate(t, s.email.rate); }},
    Key{"email", "recipient_rate", ValueType::text, "60/h", "", "",
        "Most mails to one recipient about one key, written as email.rate is; none: no\n"
        "such limit. What is over it waits; its newest version is mailed when its turn\n"
        "comes, those before it are not.",
        "", false, [](Settings& s, const Texts& t) { return store_rate(t, s.email.recipient_rate); }},

    Key{"delivery", "give_up_after", ValueType::duration, "4d", "", "",
        "How long a mail is tried before it goes to the dead letters, 1s to 365d; never past\n"
        "its object's removal: a 24th of the object's life before it, at most an hour.",
        "Lambda's retries", false,
        [](Settings& s, const Texts& t) {
          return store_duration(t, seconds(1), 365 * kDay, s.delivery.give_up_after);
        }},
    Key{"delivery", "first_retry", ValueType::duration, "1s", "", "",
        "Wait after the first failure, 1s to 1d; it doubles with each, with jitter.", "", false,
        [](Settings& s, const Texts& t) { return store_duration(t, seconds(1), kDay, s.delivery.first_retry); }},
    Key{"delivery", "max_retry", ValueType::duration, "5m", "", "",
        "Longest wait between attempts, and between probes of a relay that is away, 1s to 1d.", "", false,
        [](Settings& s, const Texts& t) { return store_duration(t, seconds(1), kDay, s.delivery.max_retry); }},
    Key{"delivery", "max_attempts", ValueType::whole_number, "0", "", "",
        "A further bound: failed attempts after which a mail goes to the dead letters, up to\n"
        "1000000; 0: none. Attempts that the relay was not there for, that our own faults broke\n"
        "(no room, no descriptors), or that it did not answer in the end, do not count.",
        "", false, [](Settings& s, const Texts& t) { return store_count(t, 0, 1'000'000, s.delivery.max_attempts); }},
    Key{"delivery", "concurrency", ValueType::whole_number, "16", "", "", "Deliveries at a time, 1 to 256.", "", false,
        [](Settings& s, const Texts& t) { return store_count(t, 1, 256, s.delivery.concurrency); }},
    Key{"delivery", "max_pending", ValueType::whole_number, "1000000", "", "",
        "Mails that may wait, 1 to 1000000000. While as many do, uploads to the exchange\n"
        "bucket are refused (503 SlowDown): no mail is dropped to make room.",
        "", false,
        [](Settings& s, const Texts& t) {
          return store(parse_whole_number(t.at(0), 1, 1'000'000'000), s.delivery.max_pending);
        }},

    Key{"alarm", "dead_letter_threshold", ValueType::whole_number, "0", "", "",
        "An alarm is raised when there are more dead letters than this; 0: at the first.",
        "DeadLetterQueueAlarmTreshold", false,
        [](Settings& s, const Texts& t) {
          return store(parse_whole_number(t.at(0), 0, 1'000'000'000), s.alarm.dead_letter_threshold);
        }},
    Key{"alarm", "max_wait", ValueType::duration, "1h", "", "",
        "Another alarm is raised when an upload has waited longer than this for its mail\n"
        "to leave, 1s to 36500d.",
        "", false,
        [](Settings& s, const Texts& t) { return store_duration(t, seconds(1), 36500 * kDay, s.alarm.max_wait); }},
    Key{"alarm", "period", ValueType::duration, "60s", "", "", "How often that is looked at, 1s to 1d.", "", false,
        [](Settings& s, const Texts& t) { return store_duration(t, seconds(1), kDay, s.alarm.period); }},
    Key{"alarm", "min_interval", ValueType::duration, "15m", "", "",
        "Least time between two messages that say the same of one alarm, 1s to 1d. What\n"
        "goes on and off meanwhile is summed up in the next.",
        "", false,
        [](Settings& s, const Texts& t) { return store_duration(t, seconds(1), kDay, s.alarm.min_interval); }},
    Key{"alarm", "email", ValueType::text, "", "", "admin@example.org",
        "Who is told of an alarm: lost mails, mails that wait for long, a relay that refuses\n"
        "the login. Without it, alarms are only logged and shown.", "AdminAlarmEMail", false,
        [](Settings& s, const Texts& t) -> Status {
          if (t.empty()) {
            s.alarm.email.reset();
            return {};
          }
          return store(parse_mail_address(t.at(0)), s.alarm.email);
        }},
    Key{"alarm", "transport", ValueType::text, "", "email.transport", "smtp://127.0.0.1:25",
        "How mails about alarms leave, written as email.transport is: another relay, so\n"
        "that alarms arrive when links do not.",
        "", false, set_alarm_transport},
    Key{"alarm", "password_file", ValueType::path, "", "", "/etc/s3link/alarm-relay-password",
        "File whose first line is the password of the user of alarm.transport. Read again as\n"
        "email.password_file is.",
        "", false,
        [](Settings& s, const Texts& t) { return store_path(t, s.alarm.password_file); }},
    Key{"alarm", "webhook", ValueType::text, "", "", "https://chat.example.org/hooks/s3link",
        "URL that alarms are also posted to, so that they arrive when mail does not.", "CommonAlarmTopic subscriber",
        true, set_webhook},
    Key{"alarm", "webhook_secret_file", ValueType::path, "", "", "/etc/s3link/webhook-secret",
        "File whose first line is a secret shared with the webhook: what is posted is\n"
        "signed with it (X-s3link-Signature).",
        "", false, [](Settings& s, const Texts& t) { return store_path(t, s.alarm.webhook_secret_file); }},

    Key{"access_log", "flush_interval", ValueType::duration, "60s", "", "",
        "How often collected access log lines become an object, 1s to 1d.", "", false,
        [](Settings& s, const Texts& t) { return store_duration(t, seconds(1), kDay, s.access_log.flush_interval); }},
    Key{"access_log", "object_ttl", ValueType::duration, "90d", "", "",
        "How long an object with access log lines is kept, 1s to 36500d.", "", false,
        [](Settings& s, const Texts& t) {
          return store_duration(t, seconds(1), 36500 * kDay, s.access_log.object_ttl);
        }},
    Key{"access_log", "max_bytes", ValueType::size, "1GiB", "", "",
        "What all objects with access log lines may hold together, 1MiB to 1024TiB; beyond\n"
        "it the oldest go. Requests that were not authenticated get at most a part of it.",
        "", false,
        [](Settings& s, const Texts& t) {
          return store_size(t, std::uint64_t{1} << 20, std::uint64_t{1} << 50, "1MiB to 1024TiB", s.access_log.max_bytes);
        }},

    Key{"backup", "max_pause", ValueType::duration, "5m", "", "",
        "While a backup runs, the files of removed objects stay on disk. One that gets no\n"
        "further for so long, as its disk hangs, is broken off, 1s to 1d.",
        "", false, [](Settings& s, const Texts& t) { return store_duration(t, seconds(1), kDay, s.backup.max_pause); }},
    Key{"backup", "max_time", ValueType::duration, "1d", "", "",
        "How long a backup may take altogether before it is broken off, 1s to 365d.", "", false,
        [](Settings& s, const Texts& t) { return store_duration(t, seconds(1), 365 * kDay, s.backup.max_time); }},

    Key{"trace", "xray_daemon", ValueType::text, "", "", "127.0.0.1:2000", "Address of an X-Ray daemon (UDP).", "X-Ray",
        false,
        [](Settings& s, const Texts& t) -> Status {
          if (t.empty()) {
            s.trace.xray_daemon.reset();
            return {};
          }
          return store(parse_host_port(t.at(0), 1), s.trace.xray_daemon);
        }},
    Key{"trace", "otlp_endpoint", ValueType::text, "", "", "http://127.0.0.1:4318",
        "Address of an OTLP/HTTP collector; /v1/traces is added.", "X-Ray", false,
        [](Settings& s, const Texts& t) { return store_or_clear(t, parse_http_url, s.trace.otlp_endpoint); }},
    Key{"trace", "sample", ValueType::fraction, "1.0", "", "",
        "Share of requests traced, 0 to 1, where the caller leaves it open; 0: none at all.", "X-Ray", false,
        [](Settings& s, const Texts& t) { return store(parse_fraction(t.at(0)), s.trace.sample); }},

    Key{"metrics", "token", ValueType::text, "", "", "hex-digits-of-openssl-rand",
        "What a reader of /_/metrics must send (Authorization: Bearer TOKEN). Without it,\n"
        "they are read on this machine (loopback) alone, or with a signature.",
        "", true, set_metrics_token},

    Key{"log", "level", ValueType::text, "info", "", "", "debug, info, warning or error. Read again on SIGHUP.", "",
        false, set_level},
    Key{"log", "format", ValueType::text, "", "text on a terminal, else json", "json",
        "text or json. Logs go to standard error.", "", false, set_format},
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Key::environment_name() const {
  std::string out = fmt::format("S3LINK_{}_{}", section, name);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '.') c = '_';
  }
  return out;
}

std::span<const Key> keys() noexcept { return kKeys; }

const Key* find_key(std::string_view section, std::string_view name) noexcept {
  const auto* const found =
      std::ranges::find_if(kKeys, [&](const Key& key) { return key.section == section && key.name == name; });
  return found == kKeys.end() ? nullptr : found;
}

const Key* find_key_by_environment(std::string_view variable) {
  const auto* const found =
      std::ranges::find_if(kKeys, [&](const Key& key) { return key.environment_name() == variable; });
  return found == kKeys.end() ? nullptr : found;
}

std::string_view section_help(std::string_view section) noexcept {
  if (section == "server") return "Where the server listens and keeps its data.";
  if (section == "auth") return "The key pair of the S3 API and the key the data is encrypted with.";
  if (section == "bucket") return "The exchange bucket.";
  if (section == "link") return "The mailed links.";
  if (section == "email") return "The mails, and how they leave.";
  if (section == "delivery") return "What happens when a mail cannot be sent at once.";
  if (section == "alarm") return "When too many mails could not be sent at all.";
  if (section == "access_log") return "Who fetched what.";
  if (section == "backup") return "Backups by s3link backup, as far as they hold the server up.";
  if (section == "trace") return "Tracing of requests through the pipeline.";
  if (section == "metrics") return "The numbers at /_/metrics, for Prometheus.";
  if (section == "log") return "The server's own log.";
  return {};
}

std::optional<std::string> closest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > 100) return std::nullopt;
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 4) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  return best ? std::optional(*best) : std::nullopt;
}

}  // namespace s3link::config
