#include "core/mail/smtp_verdict.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace s3link::mail {
namespace {

unsigned number(std::string_view digits) {
  unsigned out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

/// An enhanced status code, RFC 3463: "4.7.1".
struct Enhanced {
  unsigned subject = 0;
  unsigned detail = 0;
};

Enhanced enhanced_of(std::string_view reply) {
  if (reply.size() < 9 || reply[5] != '.') return {};
  const std::string_view rest = reply.substr(6);
  const auto dot = rest.find('.');
  if (dot == std::string_view::npos) return {};
  return {number(rest.substr(0, dot)), number(rest.substr(dot + 1))};
}

bool speaks_of_throttling(std::string_view reply) {
  static constexpr std::array<std::string_view, 10> kWords = {
      "throttl",       "rate limit",           "ratelimit",         "sending rate", "rate exceed",
      "too much mail", "too many connections", "too many messages", "server busy",  "concurrent connections"};
  std::string lower(reply);
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  return std::ranges::any_of(kWords, [&](std::string_view word) { return lower.contains(word); });
}

bool is_login(unsigned code) { return code == 530 || code == 534 || code == 535 || code == 538; }

/// A 4yz that is about the relay, even where it answers to a recipient or a message.
bool is_busy(unsigned code, Enhanced enhanced, std::string_view reply, SmtpPhase phase) {
  if (code == 421 || code == 432) return true;
  if (enhanced.subject == 3 && (enhanced.detail == 1 || enhanced.detail == 2)) return true;
  if (enhanced.subject == 7 && enhanced.detail >= 500) return true;
  // 4.2.x is about a mailbox: "450 4.2.1 The recipient is receiving mail at a rate that …".
  if (enhanced.subject != 2 && speaks_of_throttling(reply)) return true;
  const bool after_recipients = phase == SmtpPhase::data || phase == SmtpPhase::end_of_data;
  return after_recipients && (code == 452 || code == 454);
}

}  // namespace

SmtpVerdict judge(SmtpPhase phase, std::string_view reply) {
  using enum SmtpPhase;
  if (reply.size() < 3) {
    return {ErrorKind::transient, phase == end_of_data ? FailureScope::message : FailureScope::relay};
  }
  const unsigned code = number(reply.substr(0, 3));
  const bool permanent = code >= 500;
  const Enhanced enhanced = enhanced_of(reply);
  if (permanent) {
    if (is_login(code) || phase == login) return {ErrorKind::denied, FailureScope::relay};
    if (phase == connection || phase == greeting || phase == hello) return {ErrorKind::denied, FailureScope::relay};
    if (enhanced.subject == 4 && enhanced.detail == 5) return {ErrorKind::transient, FailureScope::relay};
    return {ErrorKind::denied, phase == recipient ? FailureScope::recipient : FailureScope::message};
  }
  if (phase != recipient && phase != data && phase != end_of_data) return {ErrorKind::transient, FailureScope::relay};
  if (is_busy(code, enhanced, reply, phase)) return {ErrorKind::transient, FailureScope::relay};
  return {ErrorKind::transient, phase == recipient ? FailureScope::recipient : FailureScope::message};
}

bool asks_for_less(const SendFailure& failure) {
  return failure.scope == FailureScope::relay && failure.error.kind != ErrorKind::denied && !failure.error.code.empty();
}

bool refuses_login(const SendFailure& failure) {
  if (failure.scope != FailureScope::relay || failure.error.kind != ErrorKind::denied) return false;
  return failure.error.code.empty() || is_login(number(failure.error.code)) || failure.error.code == "504";
}

}  // namespace s3link::mail
