#include "core/mail/relay_url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/encoding.hpp"

namespace s3link::mail {
namespace {

constexpr std::string_view kForm =
    "expected smtp://[user@]host:port[?starttls=required|optional|never] or smtps://[user@]host:port";

std::unexpected<Error> refuse(std::string_view what) {
  return fail(ErrorKind::invalid_argument, std::string(what) + "; " + std::string(kForm));
}

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_host_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 253 && text.front() != '-' && text.front() != '.' &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; });
}
bool is_ipv6(std::string_view text) noexcept {
  return text.contains(':') && text.size() <= 45 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
         });
}

/// 127.0.0.0/8 in four numbers: "127.evil.example" is a name.
bool is_loopback_ipv4(std::string_view host) noexcept {
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::optional<StartTls> parse_starttls(std::string_view text) noexcept {
  if (text == "required") return StartTls::required;
  if (text == "optional") return StartTls::optional;
  if (text == "never") return StartTls::never;
  return std::nullopt;
}

}  // namespace

bool is_this_machine(std::string_view host) noexcept {
  return equals_ignoring_case(host, "localhost") || host == "::1" || is_loopback_ipv4(host);
}

Result<RelayUrl> RelayUrl::parse(std::string_view text) {
  RelayUrl url;
  constexpr std::string_view kSmtp = "smtp://", kSmtps = "smtps://";
  if (text.starts_with(kSmtps)) {
    url.implicit_tls = true;
    text.remove_prefix(kSmtps.size());
  } else if (text.starts_with(kSmtp)) {
    text.remove_prefix(kSmtp.size());
  } else {
    return refuse("not an smtp:// or smtps:// URL");
  }

  std::string_view query;
  if (const auto mark = text.find('?'); mark != std::string_view::npos) {
    query = text.substr(mark + 1);
    text = text.substr(0, mark);
  }
  if (text.ends_with('/')) text.remove_suffix(1);

  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = text.substr(0, at);
    if (user.contains(':')) return refuse("a password does not belong into the URL: use email.password_file");
    const auto decoded = uri_decode(user);
    if (!decoded || decoded->empty() ||
        !std::ranges::all_of(*decoded, [](unsigned char c) { return c > 0x20 && c != 0x7f; })) {
      return refuse("the user name is empty or not percent-encoded properly");
    }
    url.user = *decoded;
    text.remove_prefix(at + 1);
  }

  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return refuse("not an IPv6 address");
    url.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (!text.empty() && text.front() != ':') return refuse("text follows the IPv6 address");
    if (!text.empty()) port = text.substr(1);
  } else {
    const auto colon = text.find(':');
    if (!is_host_name(text.substr(0, colon))) return refuse("not a host name");
    url.host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
  }
  url.port = url.implicit_tls ? 465 : url.user.empty() ? 25 : 587;
  if (port) {
    const auto number = parse_port(*port);
    if (!number) return refuse("the port is not a number from 1 to 65535");
    url.port = *number;
  }

  url.starttls = url.user.empty() ? StartTls::optional : StartTls::required;
  if (!query.empty()) {
    constexpr std::string_view kStartTls = "starttls=";
    const auto choice = query.starts_with(kStartTls) ? parse_starttls(query.substr(kStartTls.size())) : std::nullopt;
    if (!choice) return refuse("unknown option after '?'");
    if (url.implicit_tls) return refuse("smtps:// is encrypted from the start and takes no starttls");
    url.starttls = *choice;
  }
  if (url.implicit_tls) url.starttls = StartTls::never;
  if (!url.implicit_tls && url.starttls == StartTls::never && !url.user.empty() && !is_this_machine(url.host)) {
    return refuse("starttls=never would send the password in clear to another machine");
  }
  return url;
}

}  // namespace s3link::mail
