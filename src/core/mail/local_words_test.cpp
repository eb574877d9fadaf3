#include "core/mail/local_words.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace s3link::mail {
namespace {

using namespace std::chrono_literals;

Instant at(std::string_view text) { return *parse_iso8601(text); }

std::chrono::seconds winter(Instant) { return 1h; }
/// Berlin in 2026: summer time from 29 March 01:00 UTC to 25 October 01:00 UTC.
std::chrono::seconds berlin(Instant when) {
  return when >= at("2026-03-29T01:00:00Z") && when < at("2026-10-25T01:00:00Z") ? 2h : 1h;
}
std::chrono::seconds newfoundland(Instant) { return -(3h + 30min); }
std::chrono::seconds kathmandu(Instant) { return 5h + 45min; }

struct MomentCase {
  Language language;
  std::string words, brief, first_of_next_year;
};

TEST(MomentInWords, IsSaidAsTheLanguageSaysIt) {
  using enum Language;
  const std::vector<MomentCase> cases = {
      {en, "Monday, 30 November, 14:00 (UTC+1)", "30 November, 14:00 (UTC+1)", "Friday, 1 January 2027, 09:05 (UTC+1)"},
      {de, "Montag, 30. November, 14:00 Uhr (UTC+1)", "30. November, 14:00 Uhr (UTC+1)",
       "Freitag, 1. Januar 2027, 09:05 Uhr (UTC+1)"},
      {fr, "lundi 30 novembre à 14:00 (UTC+1)", "30 novembre à 14:00 (UTC+1)",
       "vendredi 1er janvier 2027 à 09:05 (UTC+1)"},
      {es, "lunes, 30 de noviembre, 14:00 (UTC+1)", "30 de noviembre, 14:00 (UTC+1)",
       "viernes, 1 de enero de 2027, 09:05 (UTC+1)"},
      {it, "lunedì 30 novembre, ore 14:00 (UTC+1)", "30 novembre, ore 14:00 (UTC+1)",
       "venerdì 1º gennaio 2027, ore 09:05 (UTC+1)"},
      {nl, "maandag 30 november, 14:00 uur (UTC+1)", "30 november, 14:00 uur (UTC+1)",
       "vrijdag 1 januari 2027, 09:05 uur (UTC+1)"},
      {pl, "poniedziałek, 30 listopada, godz. 14:00 (UTC+1)", "30 listopada, godz. 14:00 (UTC+1)",
       "piątek, 1 stycznia 2027, godz. 09:05 (UTC+1)"},
      {uk, "понеділок, 30 листопада, 14:00 (UTC+1)", "30 листопада, 14:00 (UTC+1)",
       "п’ятниця, 1 січня 2027, 09:05 (UTC+1)"},
  };
  const Instant now = at("2026-11-28T12:00:00Z");
  for (const MomentCase& row : cases) {
    EXPECT_EQ(moment_in_words(at("2026-11-30T13:00:59.9Z"), now, row.language, winter), row.words);
    EXPECT_EQ(moment_in_short(at("2026-11-30T13:00:59.9Z"), now, row.language, winter), row.brief);
    EXPECT_EQ(moment_in_words(at("2027-01-01T08:05:00Z"), now, row.language, winter), row.first_of_next_year);
  }
}

TEST(MomentInWords, NamesEveryDayAndMonthOnce) {
  const Instant now = at("2025-12-31T23:00:00Z");
  const Instant first = at("2026-01-01T00:00:00Z");
  for (const Language language : kLanguages) {
    std::vector<std::string> seen;
    for (int day = 0; day < 365; ++day) {
      const auto words = moment_in_words(first + std::chrono::days(day), now, language, nullptr);
      EXPECT_TRUE(words.ends_with(" (UTC)")) << words;
      EXPECT_EQ(std::ranges::find(seen, words), seen.end()) << words;
      seen.push_back(words);
    }
  }
}

TEST(MomentInWords, FollowsTheClockWhereItIsChanged) {
  const Instant now = at("2026-03-28T00:00:00Z");
  const auto said = [&](std::string_view when) { return moment_in_short(at(when), now, Language::en, berlin); };
  EXPECT_EQ(said("2026-03-29T00:59:59Z"), "29 March, 01:59 (UTC+1)");
  EXPECT_EQ(said("2026-03-29T01:00:00Z"), "29 March, 03:00 (UTC+2)");
  EXPECT_EQ(said("2026-10-25T00:59:59Z"), "25 October, 02:59 (UTC+2)");
  EXPECT_EQ(said("2026-10-25T01:00:00Z"), "25 October, 02:00 (UTC+1)");
  // The day is the local one, and so is the year.
  EXPECT_EQ(said("2026-08-31T22:30:00Z"), "1 September, 00:30 (UTC+2)");
  EXPECT_EQ(said("2026-12-31T23:30:00Z"), "1 January 2027, 00:30 (UTC+1)");
  EXPECT_EQ(moment_in_short(at("2027-01-01T00:30:00Z"), at("2026-12-31T23:10:00Z"), Language::en, berlin),
            "1 January, 01:30 (UTC+1)");
}

TEST(MomentInWords, NearOnesAreToldToTheSecond) {
  const Instant now = at("2026-06-01T12:00:00Z");
  EXPECT_EQ(moment_in_short(now + 40s, now, Language::de, nullptr), "1. Juni, 12:00:40 Uhr (UTC)");
  EXPECT_EQ(moment_in_short(now + 599s, now, Language::en, nullptr), "1 June, 12:09:59 (UTC)");
  EXPECT_EQ(moment_in_short(now + 600s, now, Language::en, nullptr), "1 June, 12:10 (UTC)");
}

TEST(MomentInWords, NamesOddZones) {
  const Instant when = at("2026-06-01T00:00:00Z"), before = at("2026-05-31T00:00:00Z");
  EXPECT_EQ(moment_in_short(when, before, Language::en, newfoundland), "31 May, 20:30 (UTC-3:30)");
  EXPECT_EQ(moment_in_short(when, before, Language::en, kathmandu), "1 June, 05:45 (UTC+5:45)");
  EXPECT_EQ(moment_in_short(when, before, Language::en, nullptr), "1 June, 00:00 (UTC)");
}

struct SizeCase {
  Language language;
  std::uint64_t size_bytes;
  std::string want;
};
TEST(SizeInWords, IsWrittenAsTheLanguageWritesIt) {
  using enum Language;
  for (const SizeCase& row : std::vector<SizeCase>{
           {en, 1'234'567, "1.2 MB (1,234,567 bytes)"},
           {en, 1, "1 byte"},
           {de, 1'234'567, "1,2 MB (1.234.567 Bytes)"},
           {de, 0, "0 Bytes"},
           {fr, 1'234'567, "1,2 Mo (1\u202F234\u202F567 octets)"},
           {es, 123'456'789, "123 MB (123.456.789 bytes)"},
           {it, 2, "2 byte"},
           {nl, 4'096, "4,1 kB (4.096 bytes)"},
           {pl, 1, "1 bajt"},
           {pl, 22, "22 bajty"},
           {pl, 12, "12 bajtów"},
           {pl, 21, "21 bajtów"},
           {pl, 1'234'567, "1,2 MB (1\u00A0234\u00A0567 bajtów)"},
           {uk, 21, "21 байт"},
           {uk, 11, "11 байтів"},
           {uk, 3, "3 байти"},
           {uk, 1'234'567, "1,2 МБ (1\u00A0234\u00A0567 байтів)"},
       }) {
    EXPECT_EQ(size_in_words(row.size_bytes, row.language), row.want);
  }
}

}  // namespace
}  // namespace s3link::mail
