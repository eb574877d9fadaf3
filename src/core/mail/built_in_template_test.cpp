#include <gtest/gtest.h>

#include <algorithm>
#include <ranges>
#include <string>
#include <vector>

#include "core/mail/link_template.hpp"

namespace s3link::mail {
namespace {

LinkMailData data(Language language) {
  static const std::string kSha256(32, '\xAB');
  return {.link = "https://files.example.org/b/k?X-Amz-Signature=00",
          .bucket = "file-exchange",
          .key = "Q3.pdf",
          .size_bytes = 1'234'567,
          .sha256 = kSha256,
          .sender_name = "Acme",
          .now = *parse_iso8601("2026-11-30T08:00:00Z"),
          .deadline = *parse_iso8601("2026-11-30T13:00:05Z"),
          .removed_at = *parse_iso8601("2026-12-01T08:00:00Z"),
          .language = language,
          .utc_offset = [](Instant) -> std::chrono::seconds { return std::chrono::hours(1); }};
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

struct LanguageCase {
  Language language;
  std::string subject, anonymous_subject;
  std::vector<std::string> said;  ///< in both bodies
};
const std::vector<LanguageCase> kCases = {
    {Language::en,
     "Acme sent you \"Q3.pdf\", available until 30 November, 14:00 (UTC+1)",
     "\"Q3.pdf\", available until 30 November, 14:00 (UTC+1)",
     {"sent you a file.", "1.2 MB (1,234,567 bytes)", "The link works until", "Monday, 30 November, 14:00 (UTC+1)",
      "The file itself is removed on Tuesday, 1 December, 09:00 (UTC+1)."}},
    {Language::de,
     "Acme hat Ihnen „Q3.pdf“ gesendet, verfügbar bis 30. November, 14:00 Uhr (UTC+1)",
     "„Q3.pdf“, verfügbar bis 30. November, 14:00 Uhr (UTC+1)",
     {"hat Ihnen eine Datei gesendet.", "1,2 MB (1.234.567 Bytes)", "Der Link gilt bis",
      "Montag, 30. November, 14:00 Uhr (UTC+1)",
      "Die Datei selbst wird am Dienstag, 1. Dezember, 09:00 Uhr (UTC+1) gelöscht."}},
    {Language::fr,
     "Acme vous a envoyé «\u00A0Q3.pdf\u00A0», disponible jusqu’au 30 novembre à 14:00 (UTC+1)",
     "«\u00A0Q3.pdf\u00A0», disponible jusqu’au 30 novembre à 14:00 (UTC+1)",
     {"vous a envoyé un fichier.", "1,2 Mo (1\u202F234\u202F567 octets)", "Le lien fonctionne jusqu’au",
      "lundi 30 novembre à 14:00 (UTC+1)", "Le fichier lui-même sera supprimé le mardi 1er décembre à 09:00 (UTC+1)."}},
    {Language::es,
     "Acme le ha enviado «Q3.pdf», disponible hasta el 30 de noviembre, 14:00 (UTC+1)",
     "«Q3.pdf», disponible hasta el 30 de noviembre, 14:00 (UTC+1)",
     {"le ha enviado un archivo.", "1,2 MB (1.234.567 bytes)", "El enlace funciona hasta el",
      "lunes, 30 de noviembre, 14:00 (UTC+1)", "El archivo se eliminará el martes, 1 de diciembre, 09:00 (UTC+1)."}},
    {Language::it,
     "Acme le ha inviato «Q3.pdf», scadenza: 30 novembre, ore 14:00 (UTC+1)",
     "«Q3.pdf», scadenza: 30 novembre, ore 14:00 (UTC+1)",
     {"le ha inviato un file.", "1,2 MB (1.234.567 byte)", "Il link funziona fino a",
      "lunedì 30 novembre, ore 14:00 (UTC+1)",
      "Il file stesso sarà eliminato martedì 1º dicembre, ore 09:00 (UTC+1)."}},
    {Language::nl,
     "Acme heeft u “Q3.pdf” gestuurd, beschikbaar tot 30 november, 14:00 uur (UTC+1)",
     "“Q3.pdf”, beschikbaar tot 30 november, 14:00 uur (UTC+1)",
     {"heeft u een bestand gestuurd.", "1,2 MB (1.234.567 bytes)", "De link werkt tot",
      "maandag 30 november, 14:00 uur (UTC+1)",
      "Het bestand zelf wordt verwijderd op dinsdag 1 december, 09:00 uur (UTC+1)."}},
    {Language::pl,
     "Acme przesyła plik „Q3.pdf”, dostępny do 30 listopada, godz. 14:00 (UTC+1)",
     "„Q3.pdf”, dostępny do 30 listopada, godz. 14:00 (UTC+1)",
     {"przesyła plik.", "1,2 MB (1\u00A0234\u00A0567 bajtów)",
      "Link działa do:", "poniedziałek, 30 listopada, godz. 14:00 (UTC+1)",
      "Sam plik zostanie usunięty: wtorek, 1 grudnia, godz. 09:00 (UTC+1)."}},
    {Language::uk,
     "Acme надсилає вам файл «Q3.pdf», доступний до 30 листопада, 14:00 (UTC+1)",
     "«Q3.pdf», доступний до 30 листопада, 14:00 (UTC+1)",
     {"надсилає вам файл.", "1,2 МБ (1\u00A0234\u00A0567 байтів)", "Посилання діє до:",
      "понеділок, 30 листопада, 14:00 (UTC+1)", "Сам файл буде видалено: вівторок, 1 грудня, 09:00 (UTC+1)."}},
};
class BuiltInTemplateTest : public testing::TestWithParam<LanguageCase> {};

TEST_P(BuiltInTemplateTest, SpeaksTheLanguageInEveryPart) {
  const LanguageCase& row = GetParam();
  const auto mail = LinkTemplate::built_in(row.language).render(data(row.language));
  EXPECT_EQ(mail.subject, row.subject);
  for (const std::string& said : row.said) {
    EXPECT_TRUE(mail.text.reveal().contains(said)) << mail.text.reveal();
    EXPECT_TRUE(mail.html.reveal().contains(said)) << said;
  }
  const std::string tag(to_string(row.language));
  EXPECT_TRUE(mail.html.reveal().contains("<html lang=\"" + tag + "\" dir=\"ltr\">"));
  EXPECT_TRUE(mail.html.reveal().contains("<table role=\"presentation\" lang=\"" + tag + "\" dir=\"ltr\""));
  for (const auto body : {mail.text.reveal(), mail.html.reveal()}) {
    EXPECT_FALSE(body.contains("{{") || body.contains("[[") || body.contains("]]")) << body;
  }
}

TEST_P(BuiltInTemplateTest, DoesWithoutASendersName) {
  LinkMailData anonymous = data(GetParam().language);
  anonymous.sender_name = "";
  const auto mail = LinkTemplate::built_in(GetParam().language).render(anonymous);
  EXPECT_EQ(mail.subject, GetParam().anonymous_subject);
  EXPECT_TRUE(mail.text.reveal().substr(0, mail.text.reveal().find('\n')).ends_with('.'));
}

TEST_P(BuiltInTemplateTest, PassesItsOwnCheck) {
  EXPECT_TRUE(LinkTemplate::parse(LinkTemplate::built_in_texts(GetParam().language)));
}

TEST_P(BuiltInTemplateTest, LinesOfTheTextAreShortAndItsValuesStandBelowEachOther) {
  const auto mail = LinkTemplate::built_in(GetParam().language).render(data(GetParam().language));
  std::vector<std::size_t> columns;
  for (const auto part : std::views::split(mail.text.reveal(), '\n')) {
    const std::string_view line(part.begin(), part.end());
    EXPECT_LE(characters(line), 80U) << line;
    const auto blanks = line.find("  ");
    if (blanks == std::string_view::npos) continue;
    columns.push_back(characters(line.substr(0, line.find_first_not_of(' ', blanks))));
  }
  ASSERT_EQ(columns.size(), 3U) << mail.text.reveal();
  EXPECT_TRUE(columns[0] == columns[1] && columns[1] == columns[2]) << mail.text.reveal();
}

INSTANTIATE_TEST_SUITE_P(Languages, BuiltInTemplateTest, testing::ValuesIn(kCases),
                         [](const auto& row) { return std::string(to_string(row.param.language)); });

TEST(BuiltInTemplate, IsThereInEveryLanguage) { EXPECT_EQ(kCases.size(), kLanguages.size()); }

}  // namespace
}  // namespace s3link::mail
