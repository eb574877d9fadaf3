#include "core/mail/wording.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace s3link::mail {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};

constexpr std::array<std::string_view, 6> kUnits = {"kB", "MB", "GB", "TB", "PB", "EB"};

std::string counted(std::int64_t count, std::string_view unit) {
  return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
}

seconds rounded_to(seconds value, seconds unit) { return (value + unit / 2) / unit * unit; }

}  // namespace

RoundedSize rounded_size(std::uint64_t size_bytes) {
  if (size_bytes < 1'000) return {.number = std::to_string(size_bytes), .power = 0};
  double value = static_cast<double>(size_bytes) / 1'000;
  std::size_t power = 1;
  while (value >= 999.5 && power < kUnits.size()) {
    value /= 1'000;
    ++power;
  }
  return {.number = value < 99.95 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value), .power = power};
}

std::string grouped(std::uint64_t value, std::string_view separator) {
  std::string digits = std::to_string(value);
  for (auto at = digits.size(); at > 3;) digits.insert(at -= 3, separator);
  return digits;
}

std::string size_in_words(std::uint64_t size_bytes) {
  const RoundedSize rounded = rounded_size(size_bytes);
  if (rounded.power == 0) return counted(static_cast<std::int64_t>(size_bytes), "byte");
  return fmt::format("{} {} ({} bytes)", rounded.number, kUnits.at(rounded.power - 1), grouped(size_bytes, ","));
}

std::string instant_in_words(Instant when) {
  const auto midnight = floor<days>(when);
  const year_month_day date(midnight);
  const hh_mm_ss time(floor<seconds>(when - midnight));
  return fmt::format("{}, {} {} {}, {:02}:{:02}:{:02} UTC", kDays.at(weekday(midnight).c_encoding()),
                     unsigned(date.day()), kMonths.at(unsigned(date.month()) - 1), int(date.year()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string instant_in_short(Instant when) {
  const auto midnight = floor<days>(when);
  const year_month_day date(midnight);
  const hh_mm_ss time(floor<seconds>(when - midnight));
  return fmt::format("{} {} {:02}:{:02} UTC", unsigned(date.day()), kMonths.at(unsigned(date.month()) - 1).substr(0, 3),
                     time.hours().count(), time.minutes().count());
}

std::string duration_in_words(seconds duration) {
  if (duration < seconds(0)) duration = seconds(0);
  if (duration >= minutes(10)) duration = rounded_to(duration, minutes(1));
  if (duration >= days(1)) duration = rounded_to(duration, hours(1));

  const std::array<std::pair<seconds, std::string_view>, 4> units = {
      {{days(1), "day"}, {hours(1), "hour"}, {minutes(1), "minute"}, {seconds(1), "second"}}};
  std::string out;
  int named = 0;
  for (const auto& [unit, name] : units) {
    const auto count = duration / unit;
    duration -= count * unit;
    if (named > 0) ++named;  // what follows the largest unit counts, be it 0
    if (count > 0 && named <= 2) {
      if (!out.empty()) out += ' ';
      out += counted(count, name);
      if (named == 0) named = 1;
    }
  }
  return out.empty() ? "0 seconds" : out;
}

}  // namespace s3link::mail
