#include "core/mail/smtp_data.hpp"

#include <algorithm>
#include <string>

namespace s3link::mail {

Secret smtp_data(std::string_view rfc5322) {
  std::string out;
  // In one piece: what grows leaves copies behind. A line grows by two bytes at most.
  out.reserve(
      rfc5322.size() +
      2 * static_cast<std::size_t>(std::ranges::count_if(rfc5322, [](char c) { return c == '\r' || c == '\n'; })) + 8);
  while (!rfc5322.empty()) {
    const std::size_t end = std::min(rfc5322.find_first_of("\r\n"), rfc5322.size());
    if (rfc5322.front() == '.') out += '.';
    out += rfc5322.substr(0, end);
    out += "\r\n";
    rfc5322.remove_prefix(end);
    rfc5322.remove_prefix(rfc5322.starts_with("\r\n") ? 2 : rfc5322.empty() ? 0 : 1);
  }
  out += ".\r\n";
  return Secret(std::move(out));
}

}  // namespace s3link::mail
