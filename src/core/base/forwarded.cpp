#include "core/base/forwarded.hpp"

#include <algorithm>
#include <ranges>

#include "core/base/encoding.hpp"

namespace s3link {
namespace {

using Hops = std::vector<std::optional<IpAddress>>;

/// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80".
std::optional<IpAddress> parse_node(std::string_view text) {
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
    return IpAddress::parse(text.substr(1, close - 1));
  }
  if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));
  return IpAddress::parse(text);
}

bool is_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

/// Takes a Forwarded field apart from its front (RFC 7239 §4).
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void skip_blanks() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t')) text_.remove_prefix(1);
  }
  bool at_end() const { return text_.empty(); }
  bool skip(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::string_view token() {
    const auto end = std::ranges::find_if_not(text_, is_token);
    const std::string_view out(text_.begin(), end);
    text_.remove_prefix(out.size());
    return out;
  }
  /// A token or a quoted string; also the ':' and brackets that RFC 7239 wants quoted and proxies do not quote.
  std::optional<std::string> value() {
    if (!skip('"')) {
      const auto end = text_.find_first_of(",; \t\"");
      std::string out(text_.substr(0, end));
      text_.remove_prefix(out.size());
      return out;
    }
    std::string out;
    while (!text_.empty()) {
      if (skip('"')) return out;
      skip('\\');
      if (text_.empty()) break;
      out += text_.front();
      text_.remove_prefix(1);
    }
    return std::nullopt;
  }

 private:
  std::string_view text_;
};

/// Who asked, as the proxies tell it. `last` is the peer.
IpAddress client_of(const Hops& hops, const IpAddress& last, std::span<const IpNetwork> trusted) {
  IpAddress out = last;
  for (const auto& hop : hops | std::views::reverse) {
    if (!hop) break;
    out = *hop;
    if (std::ranges::none_of(trusted, [&](const IpNetwork& network) { return network.contains(*hop); })) break;
  }
  return out;
}

void append(Hops& to, Hops more) { std::ranges::move(more, std::back_inserter(to)); }

}  // namespace

std::optional<Hops> parse_forwarded(std::string_view field) {
  Hops out;
  Reader reader(field);
  while (true) {
    std::optional<IpAddress> hop;
    do {
      reader.skip_blanks();
      const std::string_view name = reader.token();
      if (name.empty()) continue;  // an empty element or pair
      if (!reader.skip('=')) return std::nullopt;
      const auto value = reader.value();
      if (!value) return std::nullopt;
      if (equals_ignoring_case(name, "for")) hop = parse_node(*value);
      reader.skip_blanks();
    } while (reader.skip(';'));
    out.push_back(hop);
    if (reader.at_end()) return out;
    if (!reader.skip(',')) return std::nullopt;
  }
}

Hops parse_forwarded_for(std::string_view field) {
  Hops out;
  while (true) {
    const auto comma = field.find(',');
    out.push_back(parse_node(trim(field.substr(0, comma))));
    if (comma == std::string_view::npos) return out;
    field.remove_prefix(comma + 1);
  }
}

std::string client_address(const std::string& peer, const std::vector<std::pair<std::string, std::string>>& fields,
                           std::span<const IpNetwork> trusted) {
  if (trusted.empty()) return peer;
  const auto address = IpAddress::parse(peer);
  const auto is_trusted = [&](const IpNetwork& network) { return network.contains(*address); };
  if (!address || std::ranges::none_of(trusted, is_trusted)) return peer;
  std::optional<Hops> in_standard;
  std::optional<Hops> in_common;
  for (const auto& [name, value] : fields) {
    if (equals_ignoring_case(name, "Forwarded")) {
      auto hops = parse_forwarded(value);
      if (!in_standard) in_standard.emplace();
      append(*in_standard, hops ? std::move(*hops) : Hops(1));
    } else if (equals_ignoring_case(name, "X-Forwarded-For")) {
      if (!in_common) in_common.emplace();
      append(*in_common, parse_forwarded_for(value));
    }
  }
  if (!in_standard && !in_common) return peer;
  const auto told = client_of(in_common ? *in_common : *in_standard, *address, trusted);
  if (in_standard && in_common && client_of(*in_standard, *address, trusted) != told) return peer;
  return told.text();
}

}  // namespace s3link
