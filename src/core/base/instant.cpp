#include "core/base/instant.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace s3link {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Civil {
  year_month_day date;
  hh_mm_ss<milliseconds> time;
  weekday day;
};

Civil civil(Instant when) {
  const auto midnight = floor<days>(when);
  return {year_month_day(midnight), hh_mm_ss<milliseconds>(when - midnight), weekday(midnight)};
}

/// `digits` decimal digits at `at`, or -1.
int number(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

std::optional<Instant> make(int y, int mo, int d, int h, int mi, int s, int ms = 0) {
  if (y < 0 || mo < 1 || d < 1 || h < 0 || mi < 0 || s < 0 || h > 23 || mi > 59 || s > 59) return std::nullopt;
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
  if (!date.ok()) return std::nullopt;
  return Instant(sys_days(date)) + hours(h) + minutes(mi) + seconds(s) + milliseconds(ms);
}

std::string rfc_date(Instant when, std::string_view zone) {
  const auto c = civil(when);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} {}", kDays[c.day.c_encoding()], unsigned(c.date.day()),
                     kMonths[unsigned(c.date.month()) - 1], int(c.date.year()), c.time.hours().count(),
                     c.time.minutes().count(), c.time.seconds().count(), zone);
}

}  // namespace

std::string amz_date(Instant when) {
  const auto c = civil(when);
  // Not by a format string: every signature needs one.
  std::string out = "00000000T000000Z";
  const auto write = [&out](std::size_t at, std::size_t digits, std::int64_t value) {
    for (std::size_t i = at + digits; i > at; value /= 10) out[--i] = static_cast<char>('0' + value % 10);
  };
  write(0, 4, int(c.date.year()));
  write(4, 2, unsigned(c.date.month()));
  write(6, 2, unsigned(c.date.day()));
  write(9, 2, c.time.hours().count());
  write(11, 2, c.time.minutes().count());
  write(13, 2, c.time.seconds().count());
  return out;
}

std::optional<Instant> parse_amz_date(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  return make(number(text, 0, 4), number(text, 4, 2), number(text, 6, 2), number(text, 9, 2), number(text, 11, 2),
              number(text, 13, 2));
}

std::string iso8601(Instant when) {
  const auto c = civil(when);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", int(c.date.year()), unsigned(c.date.month()),
                     unsigned(c.date.day()), c.time.hours().count(), c.time.minutes().count(), c.time.seconds().count(),
                     c.time.subseconds().count());
}

std::optional<Instant> parse_iso8601(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
      text.back() != 'Z') {
    return std::nullopt;
  }
  int ms = 0;
  const std::string_view fraction = text.substr(19, text.size() - 20);
  if (!fraction.empty()) {
    if (fraction[0] != '.' || fraction.size() < 2 || fraction.size() > 10) return std::nullopt;
    int scale = 100;
    for (const char c : fraction.substr(1)) {
      if (c < '0' || c > '9') return std::nullopt;
      ms += (c - '0') * scale;
      scale /= 10;
    }
  }
  return make(number(text, 0, 4), number(text, 5, 2), number(text, 8, 2), number(text, 11, 2), number(text, 14, 2),
              number(text, 17, 2), ms);
}

std::string http_date(Instant when) { return rfc_date(when, "GMT"); }

std::optional<Instant> parse_http_date(std::string_view text) {
  if (text.size() != 29 || text.substr(3, 2) != ", " || !text.ends_with(" GMT") || text[7] != ' ' || text[11] != ' ' ||
      text[16] != ' ' || text[19] != ':' || text[22] != ':') {
    return std::nullopt;
  }
  const auto month_at = std::ranges::find(kMonths, text.substr(8, 3));
  if (month_at == kMonths.end()) return std::nullopt;
  return make(number(text, 12, 4), static_cast<int>(month_at - kMonths.begin()) + 1, number(text, 5, 2),
              number(text, 17, 2), number(text, 20, 2), number(text, 23, 2));
}

std::string mail_date(Instant when) { return rfc_date(when, "+0000"); }

}  // namespace s3link
