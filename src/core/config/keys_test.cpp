#include "core/config/keys.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "core/config/load.hpp"

namespace s3link::config {
namespace {

TEST(Keys, NamesAreUnique) {
  std::set<std::string> dotted, variables;
  for (const Key& key : keys()) {
    EXPECT_TRUE(dotted.insert(key.dotted()).second) << key.dotted();
    EXPECT_TRUE(variables.insert(key.environment_name()).second) << key.dotted();
    EXPECT_EQ(find_key(key.section, key.name), &key);
    EXPECT_EQ(find_key_by_environment(key.environment_name()), &key);
    EXPECT_FALSE(section_help(key.section).empty()) << key.section;
    EXPECT_FALSE(key.help.empty()) << key.dotted();
    EXPECT_FALSE(key.default_text.empty() && key.example.empty()) << key.dotted();
  }
}

TEST(Keys, EnvironmentNamesFollowTheContract) {
  EXPECT_EQ(find_key("email", "recipient")->environment_name(), "S3LINK_EMAIL_RECIPIENT");
  EXPECT_EQ(find_key("access_log", "flush_interval")->environment_name(), "S3LINK_ACCESS_LOG_FLUSH_INTERVAL");
}

TEST(Keys, TheDocumentationNamesEach) {
  std::ifstream file(S3LINK_SOURCE_DIR "/docs/configuration.md");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  for (const Key& key : keys()) {
    EXPECT_TRUE(text.contains("`" + key.dotted() + "`")) << key.dotted();
    if (!key.default_text.empty())
      EXPECT_TRUE(text.contains("`" + std::string(key.default_text) + "`")) << key.dotted();
    if (!key.published_name.empty()) EXPECT_TRUE(text.contains(key.published_name)) << key.dotted();
  }
}

// One row for each key and value; the key must be in the table, and every key must be here.
struct ValueCase {
  std::string key, value;
  bool good;
};
const std::vector<ValueCase> kValueCases = {
    {"server.listen", "0.0.0.0:80", true},
    {"server.listen", "9000", false},
    {"server.listen", "", false},
    {"server.public_url", "https://files.example.org", true},
    {"server.public_url", "https://files.example.org/x", false},
    {"server.data_dir", "/var/lib/s3link", true},
    {"server.data_dir", "", false},
    {"server.region", "eu-west-1", true},
    {"server.region", "EU", false},
    {"server.domain", "s3.example.org", true},
    {"server.domain", "s3_.example..org", false},
    {"server.tls_certificate", "a\nb", false},
    {"server.tls_key", "a\nb", false},
    {"server.max_connections", "1", true},
    {"server.max_connections", "0", false},
    {"server.max_connections", "1000001", false},
    {"server.max_connections_per_address", "0", true},
    {"server.max_connections_per_address", "1000001", false},
    {"server.trusted_proxies", "10.0.0.0/8, ::1", true},
    {"server.trusted_proxies", "", true},
    {"server.trusted_proxies", "10.0.0.1/8", false},
    {"server.trusted_proxies", "proxy.example.org", false},
    {"server.max_object_size", "5TiB", true},
    {"server.max_object_size", "6TiB", false},
    {"server.max_object_size", "0", false},
    {"auth.access_key_id", "a/b", false},
    {"auth.secret_access_key", "short", false},
    {"auth.master_key_file", "/etc/s3link/master.key", true},
    {"auth.master_key_file", "a\tb", false},
    {"bucket.name", "files", true},
    {"bucket.name", "Files", false},
    {"bucket.name", "", false},
    {"bucket.logs_name", "files-logs", true},
    {"bucket.logs_name", "file-exchange", false},
    {"bucket.logs_name", "x", false},
    {"bucket.max_bytes", "", true},
    {"bucket.max_bytes", "10GiB", true},
    {"bucket.max_bytes", "0", false},
    {"bucket.max_objects", "", true},
    {"bucket.max_objects", "1", true},
    {"bucket.max_objects", "0", false},
    {"bucket.object_ttl", "7d", true},
    {"bucket.object_ttl", "0s", false},
    {"bucket.object_ttl", "36501d", false},
    {"link.expiration", "1s", true},
    {"link.expiration", "1d", true},
    {"link.expiration", "0s", false},
    {"link.expiration", "8d", false},
    {"link.expiration", "2d", false},  // longer than bucket.object_ttl
    {"email.sender", "files@example.org", true},
    {"email.sender", "files", false},
    {"email.sender_name", "Grüße", true},
    {"email.sender_name", "", true},
    {"email.sender_name", "a\r\nBcc: x", false},
    {"email.language", "uk", true},
    {"email.language", "de-CH", false},
    {"email.language", "sv", false},
    {"email.language", "", false},
    {"email.time_zone", "Europe/Berlin", true},
    {"email.time_zone", "", true},
    {"email.time_zone", "a\nb", false},
    {"email.recipient", "a@example.org, b@example.org", true},
    {"email.recipient", "a@example.org,a@example.org", false},
    {"email.recipient", "a@x.test, a@X.TEST", false},
    {"email.recipient", "a@x.test, A@x.test", true},
    {"email.recipient", "a@bücher.example, a@XN--BCHER-KVA.EXAMPLE", false},
    {"email.recipient", "a@example.org,", true},
    {"email.recipient", "", false},
    {"email.recipient", "a@example.org,,b@example.org", false},
    {"email.transport", "outbox", true},
    {"email.transport", "smtp://relay:25", true},
    {"email.transport", "sendmail", false},
    {"email.transport", "smtp://me@relay:25", false},  // without password_file
    {"email.password_file", "/etc/password", false},   // without a user
    {"email.template_dir", "/etc/s3link/templates", true},
    {"email.template_dir", "a\nb", false},
    {"email.auth", "login", true},
    {"email.auth", "none", true},
    {"email.auth", "kerberos", false},
    {"email.helo_name", "files.example.org", true},
    {"email.helo_name", "[192.0.2.1]", true},
    {"email.helo_name", "files example", false},
    {"email.helo_name", "[x y]", false},
    {"email.ca_file", "/etc/s3link/ca.pem", true},
    {"email.ca_file", "a\nb", false},
    {"email.reply_to", "büro@bücher.example", true},
    {"email.reply_to", "office", false},
    {"email.bounce_address", "bounces@example.org", true},
    {"email.bounce_address", "<>", false},
    {"email.oauth.token_url", "http://login.example.org/token", false},  // in clear
    {"email.oauth.client_id", "a\nb", false},
    {"email.oauth.client_id", "client", false},  // without a token_url
    {"email.oauth.client_secret_file", "/etc/secret", false},
    {"email.oauth.scope", "https://outlook.office365.com/.default", true},
    {"email.oauth.scope", "a\nb", false},
    {"email.oauth.refresh_token_file", "/etc/token", false},
    {"delivery.max_attempts", "1000", true},
    {"delivery.max_attempts", "0", true},
    {"delivery.max_attempts", "1000001", false},
    {"delivery.give_up_after", "365d", true},
    {"delivery.give_up_after", "0s", false},
    {"email.max_connections", "256", true},
    {"email.max_connections", "0", false},
    {"email.rate", "30/m", true},
    {"email.rate", "none", true},
    {"email.rate", "30", false},
    {"email.recipient_rate", "1000/d", true},
    {"email.recipient_rate", "none", true},
    {"email.recipient_rate", "often", false},
    {"delivery.first_retry", "5m", true},
    {"delivery.first_retry", "6m", false},  // longer than max_retry
    {"delivery.first_retry", "0s", false},
    {"delivery.max_retry", "1d", true},
    {"delivery.max_retry", "25h", false},
    {"delivery.concurrency", "256", true},
    {"delivery.concurrency", "257", false},
    {"delivery.max_pending", "1", true},
    {"delivery.max_pending", "0", false},
    {"delivery.max_pending", "1000000001", false},
    {"alarm.dead_letter_threshold", "0", true},
    {"alarm.dead_letter_threshold", "-1", false},
    {"alarm.max_wait", "1h", true},
    {"alarm.max_wait", "0s", false},
    {"alarm.min_interval", "1s", true},
    {"alarm.min_interval", "2d", false},
    {"alarm.transport", "smtps://second.example.org", true},
    {"alarm.transport", "outbox", true},
    {"alarm.transport", "second.example.org", false},
    {"alarm.password_file", "", true},
    {"alarm.password_file", "/etc/password", false},  // without a user
    {"alarm.webhook_secret_file", "", true},
    {"alarm.webhook_secret_file", "/etc/secret", false},  // without a webhook
    {"metrics.token", "", true},
    {"metrics.token", "0123456789abcdef", true},
    {"metrics.token", "0123456789abcde", false},
    {"metrics.token", "0123456789 abcdef", false},
    {"alarm.period", "1s", true},
    {"alarm.period", "0s", false},
    {"alarm.email", "admin@example.org", true},
    {"alarm.email", "admin", false},
    {"alarm.webhook", "https://chat.example.org/hook?t=1", true},
    {"alarm.webhook", "chat.example.org", false},
    {"access_log.flush_interval", "5m", true},
    {"access_log.flush_interval", "5", false},
    {"access_log.object_ttl", "30d", true},
    {"access_log.object_ttl", "0s", false},
    {"access_log.max_bytes", "1MiB", true},
    {"access_log.max_bytes", "1048575", false},
    {"access_log.max_bytes", "0", false},
    {"backup.max_pause", "1s", true},
    {"backup.max_pause", "25h", false},
    {"backup.max_time", "365d", true},
    {"backup.max_time", "0s", false},
    {"trace.xray_daemon", "127.0.0.1:2000", true},
    {"trace.xray_daemon", "127.0.0.1:0", false},
    {"trace.otlp_endpoint", "http://127.0.0.1:4318/v1", true},
    {"trace.otlp_endpoint", "127.0.0.1:4318", false},
    {"trace.sample", "0", true},
    {"trace.sample", "2", false},
    {"log.level", "debug", true},
    {"log.level", "loud", false},
    {"log.format", "json", true},
    {"log.format", "xml", false},
};

Sources from_flag(const std::string& key, const std::string& value) {
  Sources sources;
  sources.flags.push_back({"--value", key, value});
  return sources;
}
Sources from_environment(const std::string& key, const std::string& value) {
  const auto dot = key.find('.');
  Sources sources;
  sources.environment.emplace(find_key(key.substr(0, dot), key.substr(dot + 1))->environment_name(), value);
  return sources;
}

TEST(Keys, GoodValuesAreTakenAndBadOnesRefused) {
  std::set<std::string> seen;
  for (const ValueCase& row : kValueCases) {
    seen.insert(row.key);
    for (const Sources& sources : {from_flag(row.key, row.value), from_environment(row.key, row.value)}) {
      const auto got = load(sources);
      EXPECT_EQ(got.has_value(), row.good) << row.key << " = " << row.value << "\n"
                                           << (got ? "" : got.error().front().text());
      if (got || row.good) continue;
      ASSERT_EQ(got.error().size(), 1u) << row.key;
      EXPECT_EQ(got.error()[0].setting, row.key);
    }
  }
  for (const Key& key : keys()) EXPECT_TRUE(seen.contains(key.dotted())) << "no case for " << key.dotted();
}

TEST(Closest, FindsWhatWasMeantOrNothing) {
  const std::vector<std::string> names{"listen", "region", "domain"};
  EXPECT_EQ(closest("lisen", names), "listen");
  EXPECT_EQ(closest("regoin", names), "region");
  EXPECT_EQ(closest("password", names), std::nullopt);
  EXPECT_EQ(closest(std::string(10'000, 'x'), names), std::nullopt);
}

}  // namespace
}  // namespace s3link::config
