#include "core/doctor/time_checks.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace s3link::doctor {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;

constexpr std::chrono::milliseconds kRefused = 5min;
constexpr std::chrono::milliseconds kTooFar = 30s;
constexpr std::chrono::days kSoon{14};

/// "40 s", "7 min", "3 h": whole units, the largest that fits twice.
std::string in_words(std::chrono::milliseconds time) {
  const auto seconds = duration_cast<std::chrono::seconds>(time).count();
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} days", seconds / 86'400);
}

}  // namespace

Finding check_clock(Instant date, Instant asked, Instant answered, const std::string& peer) {
  // The answer was dated at some moment between the two, and within the second that Date names.
  const auto ahead = asked - (date + 999ms);
  const auto behind = date - answered;
  const auto apart = std::max<std::chrono::milliseconds>({ahead, behind, 0ms});
  if (apart <= kTooFar) {
    return {"clock", Verdict::ok, fmt::format("agrees with {}, within {} s", peer, 1 + apart / 1s), ""};
  }
  return {
      "clock", apart > kRefused ? Verdict::failed : Verdict::warning,
      fmt::format("this machine is {} {} {}; requests signed 15 min away are refused, and deadlines in mails are off "
                  "by as much",
                  in_words(apart), ahead > behind ? "ahead of" : "behind", peer),
      "let a time service (chrony, systemd-timesyncd) set the clock of both machines"};
}

Finding check_certificate_days(Instant not_before, Instant not_after, Instant now, const std::string& file) {
  const std::string until = http_date(not_after);
  const char* const renew = "put a new one where server.tls_certificate and server.tls_key point, then send SIGHUP";
  if (now < not_before) {
    return {"certificate", Verdict::failed, fmt::format("{} is not valid before {}", file, http_date(not_before)),
            "check this machine's clock, or put a valid one where server.tls_certificate points"};
  }
  if (now > not_after) return {"certificate", Verdict::failed, fmt::format("{} expired on {}", file, until), renew};
  if (not_after - now < kSoon) {
    return {"certificate", Verdict::warning,
            fmt::format("{} expires in {}, on {}", file,
                        in_words(duration_cast<std::chrono::milliseconds>(not_after - now)), until),
            renew};
  }
  return {"certificate", Verdict::ok, fmt::format("{} is valid until {}", file, until), ""};
}

}  // namespace s3link::doctor
