#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ip_address.hpp"
#include "core/base/language.hpp"
#include "core/base/secret.hpp"
#include "core/mail/address.hpp"
#include "core/mail/rate.hpp"
#include "core/mail/relay_auth.hpp"
#include "core/mail/relay_url.hpp"
#include "core/s3/names.hpp"

namespace s3link::config {

/// Where a server listens, or a daemon is reached.
struct HostPort {
  std::string host;        ///< name or address; an IPv6 address without brackets
  std::uint16_t port = 0;  ///< 0: any free one

  /// "host:port", with brackets around an IPv6 address.
  std::string text() const;
  bool operator==(const HostPort&) const = default;
};

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { automatic, text, json };

/// Everything s3link can be told, checked: a value that is here is in its range, and values fit each other.
/// Defaults come from the table of keys (keys.hpp), so a Settings is made by load() (load.hpp) and nowhere else.
struct Settings {
  struct Server {
    HostPort listen;
    std::string public_url;  ///< "https://host[:port]", no '/' at the end; empty: from `listen`, once the port is known
    std::filesystem::path data_dir;
    std::string region;
    std::string domain;                                             ///< empty: path style only
    std::optional<std::filesystem::path> tls_certificate, tls_key;  ///< both or neither
    unsigned max_connections = 0;
    unsigned max_connections_per_address = 0;  ///< 0: no limit
    std::vector<IpNetwork> trusted_proxies;
    std::uint64_t max_object_size_bytes = 0;
  } server;

  struct Auth {
    std::string access_key_id;  ///< empty, as the secret then is: from data_dir/credentials
    Secret secret_access_key;
    std::filesystem::path master_key_file;
  } auth;

  struct Bucket {
    s3::BucketName name;
    s3::BucketName logs_name;
    std::chrono::seconds object_ttl{};
    std::optional<std::uint64_t> max_bytes = std::nullopt, max_objects = std::nullopt;  ///< empty: no limit
  } bucket;

  struct Link {
    std::chrono::seconds expiration{};  ///< 1 s to 7 d, at most bucket.object_ttl
  } link;

  struct Email {
    mail::Address sender;
    std::string sender_name;                ///< empty: none is shown
    std::vector<mail::Address> recipients;  ///< at least one, none twice
    std::optional<mail::RelayUrl> relay;    ///< empty: data_dir/outbox
    std::optional<std::filesystem::path> password_file;
    std::optional<std::filesystem::path> template_dir;
    mail::RelayAuth auth = mail::RelayAuth::automatic;  ///< xoauth2 where there is a token_url; never automatic then
    std::string helo_name;                              ///< empty: this machine's full name, or the sender's domain
    std::optional<std::filesystem::path> ca_file;       ///< also for the relay of the alarms
    std::optional<mail::Address> reply_to;
    std::optional<mail::Address> bounce_address;  ///< envelope sender; empty: the sender

    /// Where XOAUTH2 tokens come from (RFC 6749): by client credentials, or by a refresh token where there is one.
    struct OAuth {
      std::string token_url;  ///< https://, or http:// to this machine; empty: no XOAUTH2
      std::string client_id;
      std::string scope;
      std::optional<std::filesystem::path> client_secret_file, refresh_token_file;  ///< one of them at least
    } oauth;
    unsigned max_connections = 0;
    std::optional<mail::Rate> rate = {};            ///< empty: none
    std::optional<mail::Rate> recipient_rate = {};  ///< for one key and recipient; empty: none
    Language language = Language::en;
    std::string time_zone = {};  ///< a name like "Europe/Berlin"; empty: the machine's
  } email;

  struct Delivery {
    std::chrono::seconds give_up_after{};
    std::chrono::seconds first_retry{}, max_retry{};
    unsigned max_attempts = 0;  ///< 0: no such bound
    unsigned concurrency = 0;
    std::uint64_t max_pending = 0;
  } delivery;

  struct Alarm {
    std::uint64_t dead_letter_threshold = 0;
    std::chrono::seconds max_wait{};
    std::chrono::seconds period{}, min_interval{};
    std::optional<mail::Address> email;
    bool own_transport = false;           ///< else alarms leave as email.transport says
    std::optional<mail::RelayUrl> relay;  ///< of the own transport; empty: data_dir/outbox
    std::optional<std::filesystem::path> password_file;
    Secret webhook;  ///< http:// or https:// URL, which may carry a token; empty: none
    std::optional<std::filesystem::path> webhook_secret_file;
  } alarm;

  struct AccessLog {
    std::chrono::seconds flush_interval{};
    std::chrono::seconds object_ttl{};  ///< of the objects in bucket.logs_name
    std::uint64_t max_bytes = 0;        ///< of all of them
  } access_log;

  /// What a backup of the data folder may keep the server from.
  struct Backup {
    std::chrono::seconds max_pause{}, max_time{};
  } backup;

  struct Trace {
    std::optional<HostPort> xray_daemon;
    std::string otlp_endpoint;  ///< http:// or https:// URL; empty: none
    double sample = 0;          ///< 0 to 1
  } trace;

  struct Metrics {
    Secret token;  ///< what a reader of /_/metrics must know; empty: anybody may read them
  } metrics;

  struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::automatic;
  } log;
};

}  // namespace s3link::config
