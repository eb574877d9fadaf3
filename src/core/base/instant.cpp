#include "core/base/instant.hpp"

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

/// The number's last `digits` decimal digits at `at`. Not by a format string: every request needs some dates.
void write_number(std::string& out, std::size_t at, std::size_t digits, std::int64_t value) {
  for (std::size_t i = at + digits; i > at; value /= 10) out[--i] = static_cast<char>('0' + value % 10);
}

std::string rfc_date(Instant when, std::string_view zone) {
  const auto c = civil(when);
  std::string out = "Day, 00 Mon 0000 00:00:00 ";
  out.replace(0, 3, kDays[c.day.c_encoding()]);
  write_number(out, 5, 2, unsigned(c.date.day()));
  out.replace(8, 3, kMonths[unsigned(c.date.month()) - 1]);
  write_number(out, 12, 4, int(c.date.year()));
  write_number(out, 17, 2, c.time.hours().count());
  write_number(out, 20, 2, c.time.minutes().count());
  write_number(out, 23, 2, c.time.seconds().count());
  return out.append(zone);
}

}  // namespace

std::string amz_date(Instant when) {
  const auto c = civil(when);
  std::string out = "00000000T000000Z";
  write_number(out, 0, 4, int(c.date.year()));
  write_number(out, 4, 2, unsigned(c.date.month()));
  write_number(out, 6, 2, unsigned(c.date.day()));
  write_number(out, 9, 2, c.time.hours().count());
  write_number(out, 11, 2, c.time.minutes().count());
  write_number(out, 13, 2, c.time.seconds().count());
  return out;
}

std::optional<Instant> parse_amz_date(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  return make(number(text, 0, 4), number(text, 4, 2), number(text, 6, 2), number(text, 9, 2), number(text, 11, 2),
              number(text, 13, 2));
}

std::string iso8601(Instant when) {
  const auto c = civil(when);
  std::string out = "0000-00-00T00:00:00.000Z";
  write_number(out, 0, 4, int(c.date.year()));
  write_number(out, 5, 2, unsigned(c.date.month()));
  write_number(out, 8, 2, unsigned(c.date.day()));
  write_number(out, 11, 2, c.time.hours().count());
  write_number(out, 14, 2, c.time.minutes().count());
  write_number(out, 17, 2, c.time.seconds().count());
  write_number(out, 20, 3, c.time.subseconds().count());
  return out;
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
