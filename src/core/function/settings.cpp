#include "core/function/settings.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/encoding.hpp"

namespace s3link::function {

namespace {

std::unexpected<Error> refuse(std::string message) { return fail(ErrorKind::invalid_argument, std::move(message)); }

bool is_letter_or_digit(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// One to `max` letters, digits and characters of `others`.
bool is_name(std::string_view text, std::size_t max, std::string_view others) noexcept {
  return !text.empty() && text.size() <= max &&
         std::ranges::all_of(text, [others](char c) { return is_letter_or_digit(c) || others.contains(c); });
}

template <class T>
bool parse_number(std::string_view text, T& value) noexcept {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} && end == text.data() + text.size();
}

Result<std::vector<mail::Address>> parse_recipients(std::string_view text) {
  std::vector<mail::Address> found;
  while (true) {
    const auto comma = text.find(',');
    auto address = mail::Address::parse(trim(text.substr(0, comma)));
    if (!address) return std::unexpected(std::move(address.error()));
    if (std::ranges::find(found, *address) == found.end()) found.push_back(std::move(*address));
    if (comma == std::string_view::npos) return found;
    text.remove_prefix(comma + 1);
  }
}

// RFC 5322 §3.4, mailbox: an addr-spec, or a display name with one in angle brackets.
Result<std::string> parse_sender(std::string_view text) {
  text = trim(text);
  std::string_view address = text;
  if (text.ends_with('>')) {
    const auto open = text.rfind('<');
    if (open == std::string_view::npos) return refuse("has no '<'");
    address = text.substr(open + 1, text.size() - open - 2);
    const std::string_view name = trim(text.substr(0, open));
    const bool printable =
        std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
    if (name.empty() || !printable || !is_utf8(name)) return refuse("has no readable name before '<'");
  }
  if (const auto parsed = mail::Address::parse(address); !parsed) return std::unexpected(parsed.error());
  return std::string(text);
}

Result<std::optional<HostPort>> parse_xray_daemon(std::string_view text) {
  if (text.empty()) return std::nullopt;
  for (std::string_view rest = text; !rest.empty();) {
    const auto blank = rest.find(' ');
    std::string_view part = rest.substr(0, blank);
    rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
    if (part.starts_with("tcp:")) continue;
    if (part.starts_with("udp:")) part.remove_prefix(4);
    auto parsed = parse_host_port(part);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    return std::move(*parsed);
  }
  return refuse("names no UDP address");
}

/// Collects the settings and what is wrong with them.
class Reader {
 public:
  explicit Reader(const Environment& environment) : environment_(environment) {}

  std::string text(std::string_view name) const { return environment_(name); }

  void problem(std::string_view name, std::string_view what) {
    problems_.push_back(std::string(name) + ": " + std::string(what));
  }

  /// The value where it is set and one of its kind, and a problem otherwise.
  std::string required_name(std::string_view name, std::size_t max, std::string_view others) {
    std::string value = text(name);
    if (value.empty()) {
      problem(name, "is not set");
    } else {
      check_name(name, value, max, others);
    }
    return value;
  }
  std::string optional_name(std::string_view name, std::size_t max, std::string_view others) {
    std::string value = text(name);
    if (!value.empty()) check_name(name, value, max, others);
    return value;
  }

  /// What `parse` makes of the value, or `otherwise`, and a problem.
  template <class Parse, class T>
  T parsed(std::string_view name, Parse parse, T otherwise) {
    auto value = parse(text(name));
    if (value) return std::move(*value);
    problem(name, value.error().message);
    return otherwise;
  }

  /// A whole number in min..max; 0 and a problem when it is none.
  std::int64_t number(std::string_view name, std::string_view value, std::int64_t min, std::int64_t max) {
    std::int64_t count = 0;
    if (parse_number(value, count) && count >= min && count <= max) return count;
    problem(name, value.empty() ? std::string("is not set")
                                : "is not a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    return 0;
  }

  std::vector<std::string> take_problems() { return std::move(problems_); }

 private:
  void check_name(std::string_view name, std::string_view value, std::size_t max, std::string_view others) {
    if (is_name(value, max, others)) return;
    problem(name, "is not 1 to " + std::to_string(max) + " letters, digits or characters of " + std::string(others));
  }

  const Environment& environment_;
  std::vector<std::string> problems_;
};

constexpr std::string_view kExpiration = "LinkExpirationPeriod";
// Longer than S3 lets a lifecycle rule count, and short enough for the arithmetic.
constexpr std::int64_t kMaxDays = 36'500;

// What no value is wrong in, but two of them together.
void check_expiration(const Settings& settings, Reader& reader) {
  if (settings.link_signer == LinkSigner::role && settings.link_expiration > Settings::kMaxRoleExpiration) {
    reader.problem(kExpiration,
                   "is over 18000 s, which a link signed by the function's role does not live; shorten it, or set "
                   "LinkSigner to IamUser");
  }
  if (settings.object_ttl.count() > 0 && settings.link_expiration > settings.object_ttl) {
    reader.problem(kExpiration, "is longer than ExchangableObjectsTTL: the file would be removed before its link ends");
  }
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  HostPort out;
  if (colon == std::string_view::npos || !parse_number(text.substr(colon + 1), out.port) || out.port == 0) {
    return refuse("is not host:port");
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!host.contains(':') || !is_name(host, 45, ":.")) return refuse("is not host:port");
  } else if (!is_name(host, 253, ".-_")) {
    return refuse("is not host:port");
  }
  out.host = host;
  return out;
}

std::expected<Settings, std::vector<std::string>> read_settings(const Environment& environment) {
  Reader reader(environment);
  Settings settings;

  settings.recipients = reader.parsed("EmailRecipient", parse_recipients, std::vector<mail::Address>());
  settings.sender = reader.parsed("EmailSender", parse_sender, std::string());
  settings.configuration_set = reader.optional_name("EmailConfigurationSetName", 64, "_-");
  settings.template_name = reader.required_name("EmailTemplateLinkName", 64, "_-");
  settings.link_expiration =
      std::chrono::seconds(reader.number(kExpiration, reader.text(kExpiration), 1, Settings::kMaxExpiration.count()));
  if (const std::string ttl = reader.text("ExchangableObjectsTTL"); !ttl.empty()) {
    settings.object_ttl = std::chrono::days(reader.number("ExchangableObjectsTTL", ttl, 1, kMaxDays));
  }

  settings.link_signer_secret_arn = reader.optional_name("LinkSignerSecretArn", 2048, ":/_+=.@!-");
  if (const std::string signer = reader.text("LinkSigner"); signer == "IamUser") {
    settings.link_signer = LinkSigner::iam_user;
    if (settings.link_signer_secret_arn.empty()) {
      reader.problem("LinkSignerSecretArn", "is not set, but LinkSigner is IamUser");
    }
  } else if (!signer.empty() && signer != "Role") {
    reader.problem("LinkSigner", "is neither Role nor IamUser");
  } else {
    settings.link_signer_secret_arn.clear();
  }
  check_expiration(settings, reader);

  settings.ledger_table = reader.optional_name("LedgerTableName", 1024, "_.-:/");
  if (const std::string bucket = reader.text("FileExchangeBucketName"); !bucket.empty()) {
    auto name = s3::BucketName::parse(bucket);
    if (!name) reader.problem("FileExchangeBucketName", name.error().message);
    if (name) settings.exchange_bucket = std::move(*name);
  }
  settings.region = reader.required_name("AWS_REGION", 63, "-");
  settings.xray_daemon = reader.parsed("AWS_XRAY_DAEMON_ADDRESS", parse_xray_daemon, std::optional<HostPort>());

  if (auto problems = reader.take_problems(); !problems.empty()) return std::unexpected(std::move(problems));
  return settings;
}

}  // namespace s3link::function
