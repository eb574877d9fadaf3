#include "core/mail/local_words.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "core/mail/wording.hpp"

namespace s3link::mail {
namespace {

using namespace std::chrono;

using Days = std::array<std::string_view, 7>;  // from Sunday
using Months = std::array<std::string_view, 12>;
using Units = std::array<std::string_view, 6>;

constexpr Units kUnits = {"kB", "MB", "GB", "TB", "PB", "EB"};

/// What differs between the languages. `date` has the day {0} and the month {1}, `with_year` the date {0} and the year
/// {1}, `with_day` the weekday {0} and the date {1}, `with_time` all that {0} and the time {1}.
struct Words {
  Days days;
  Months months;
  std::string_view first_day;  ///< how the first of a month is written; empty: "1"
  std::string_view date, with_year, with_day, with_time;
  std::string_view group, point;         ///< between thousands; before decimals
  std::string_view one_byte, few, many;  ///< few: 2 to 4, where the language has such a form
  Units units = kUnits;
};

constexpr Words kEnglish = {.days = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
                            .months = {"January", "February", "March", "April", "May", "June", "July", "August",
                                       "September", "October", "November", "December"},
                            .first_day = "",
                            .date = "{0} {1}",
                            .with_year = "{0} {1}",
                            .with_day = "{0}, {1}",
                            .with_time = "{0}, {1}",
                            .group = ",",
                            .point = ".",
                            .one_byte = "byte",
                            .few = "bytes",
                            .many = "bytes"};

constexpr Words kGerman = {.days = {"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"},
                           .months = {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August",
                                      "September", "Oktober", "November", "Dezember"},
                           .first_day = "",
                           .date = "{0}. {1}",
                           .with_year = "{0} {1}",
                           .with_day = "{0}, {1}",
                           .with_time = "{0}, {1} Uhr",
                           .group = ".",
                           .point = ",",
                           .one_byte = "Byte",
                           .few = "Bytes",
                           .many = "Bytes"};

constexpr Words kFrench = {.days = {"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"},
                           .months = {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août",
                                      "septembre", "octobre", "novembre", "décembre"},
                           .first_day = "1er",
                           .date = "{0} {1}",
                           .with_year = "{0} {1}",
                           .with_day = "{0} {1}",
                           .with_time = "{0} à {1}",
                           .group = "\u202F",
                           .point = ",",
                           .one_byte = "octet",
                           .few = "octets",
                           .many = "octets",
                           .units = {"ko", "Mo", "Go", "To", "Po", "Eo"}};

constexpr Words kSpanish = {.days = {"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
                            .months = {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto",
                                       "septiembre", "octubre", "noviembre", "diciembre"},
                            .first_day = "",
                            .date = "{0} de {1}",
                            .with_year = "{0} de {1}",
                            .with_day = "{0}, {1}",
                            .with_time = "{0}, {1}",
                            .group = ".",
                            .point = ",",
                            .one_byte = "byte",
                            .few = "bytes",
                            .many = "bytes"};

constexpr Words kItalian = {.days = {"domenica", "lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato"},
                            .months = {"gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto",
                                       "settembre", "ottobre", "novembre", "dicembre"},
                            .first_day = "1º",
                            .date = "{0} {1}",
                            .with_year = "{0} {1}",
                            .with_day = "{0} {1}",
                            .with_time = "{0}, ore {1}",
                            .group = ".",
                            .point = ",",
                            .one_byte = "byte",
                            .few = "byte",
                            .many = "byte"};

constexpr Words kDutch = {.days = {"zondag", "maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag"},
                          .months = {"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus",
                                     "september", "oktober", "november", "december"},
                          .first_day = "",
                          .date = "{0} {1}",
                          .with_year = "{0} {1}",
                          .with_day = "{0} {1}",
                          .with_time = "{0}, {1} uur",
                          .group = ".",
                          .point = ",",
                          .one_byte = "byte",
                          .few = "bytes",
                          .many = "bytes"};

constexpr Words kPolish = {.days = {"niedziela", "poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota"},
                           .months = {"stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia",
                                      "września", "października", "listopada", "grudnia"},
                           .first_day = "",
                           .date = "{0} {1}",
                           .with_year = "{0} {1}",
                           .with_day = "{0}, {1}",
                           .with_time = "{0}, godz. {1}",
                           .group = "\u00A0",
                           .point = ",",
                           .one_byte = "bajt",
                           .few = "bajty",
                           .many = "bajtów"};

constexpr Words kUkrainian = {.days = {"неділя", "понеділок", "вівторок", "середа", "четвер", "п’ятниця", "субота"},
                              .months = {"січня", "лютого", "березня", "квітня", "травня", "червня", "липня", "серпня",
                                         "вересня", "жовтня", "листопада", "грудня"},
                              .first_day = "",
                              .date = "{0} {1}",
                              .with_year = "{0} {1}",
                              .with_day = "{0}, {1}",
                              .with_time = "{0}, {1}",
                              .group = "\u00A0",
                              .point = ",",
                              .one_byte = "байт",
                              .few = "байти",
                              .many = "байтів",
                              .units = {"кБ", "МБ", "ГБ", "ТБ", "ПБ", "ЕБ"}};

/// In the order of Language.
constexpr std::array kWords = {&kEnglish, &kGerman, &kFrench, &kSpanish, &kItalian, &kDutch, &kPolish, &kUkrainian};
static_assert(kWords.size() == kLanguages.size());

const Words& words_of(Language language) { return *kWords.at(static_cast<std::size_t>(language)); }

std::string filled(std::string_view form, std::string_view first, std::string_view second) {
  return fmt::format(fmt::runtime(form), first, second);
}

/// "UTC", "UTC+1", "UTC-3:30".
std::string zone_text(minutes offset) {
  if (offset == minutes(0)) return "UTC";
  const auto size = std::abs(offset.count());
  std::string out = fmt::format("UTC{}{}", offset < minutes(0) ? '-' : '+', size / 60);
  if (size % 60 != 0) out += fmt::format(":{:02}", size % 60);
  return out;
}

/// Moments that are nearer are told to the second: cut to the minute, they would be over when they are read.
constexpr minutes kNear(10);

year year_at(Instant when, UtcOffset offset) {
  return year_month_day(floor<days>(when + (offset != nullptr ? offset(when) : seconds(0)))).year();
}

enum class Form { with_weekday, date_only };

std::string moment(Instant when, Instant now, Language language, UtcOffset offset, Form form) {
  const Words& words = words_of(language);
  const seconds ahead = offset != nullptr ? offset(when) : seconds(0);
  const auto local = when + ahead;
  const auto midnight = floor<days>(local);
  const year_month_day date(midnight);
  const hh_mm_ss time(floor<seconds>(local - midnight));

  const auto day = unsigned(date.day());
  const std::string day_text =
      day == 1 && !words.first_day.empty() ? std::string(words.first_day) : std::to_string(day);
  std::string out = filled(words.date, day_text, words.months.at(unsigned(date.month()) - 1));
  if (date.year() != year_at(now, offset)) out = filled(words.with_year, out, std::to_string(int(date.year())));
  if (form == Form::with_weekday) out = filled(words.with_day, words.days.at(weekday(midnight).c_encoding()), out);
  std::string clock = fmt::format("{:02}:{:02}", time.hours().count(), time.minutes().count());
  if (when - now < kNear) clock += fmt::format(":{:02}", time.seconds().count());
  out = filled(words.with_time, out, clock);
  return fmt::format("{} ({})", out, zone_text(floor<minutes>(ahead)));
}

/// Polish and Ukrainian count otherwise than the rest; Polish says "bajt" for 1 alone, Ukrainian for 21 and 31, too.
std::string_view bytes_word(std::uint64_t count, Language language) {
  const Words& words = words_of(language);
  if (language != Language::pl && language != Language::uk) return count == 1 ? words.one_byte : words.many;
  const auto last = count % 10;
  const bool teens = count % 100 >= 11 && count % 100 <= 14;
  if (language == Language::pl ? count == 1 : last == 1 && !teens) return words.one_byte;
  return last >= 2 && last <= 4 && !teens ? words.few : words.many;
}

}  // namespace

std::string moment_in_words(Instant when, Instant now, Language language, UtcOffset offset) {
  return moment(when, now, language, offset, Form::with_weekday);
}

std::string moment_in_short(Instant when, Instant now, Language language, UtcOffset offset) {
  return moment(when, now, language, offset, Form::date_only);
}

std::string size_in_words(std::uint64_t size_bytes, Language language) {
  const Words& words = words_of(language);
  const std::string bytes = fmt::format("{} {}", grouped(size_bytes, words.group), bytes_word(size_bytes, language));
  const RoundedSize rounded = rounded_size(size_bytes);
  if (rounded.power == 0) return bytes;
  std::string number = rounded.number;
  if (const auto point = number.find('.'); point != std::string::npos) number.replace(point, 1, words.point);
  return fmt::format("{} {} ({})", number, words.units.at(rounded.power - 1), bytes);
}

}  // namespace s3link::mail
