#include "core/mail/link_template.hpp"

#include <gtest/gtest.h>

#include <ranges>

namespace s3link::mail {
namespace {

constexpr std::string_view kLink = "https://files.example.org/b/k?X-Amz-Signature=00&x=1";

LinkMailData data() {
  static const std::string kSha256(32, '\xAB');
  return {.link = kLink,
          .bucket = "file-exchange",
          .key = "reports/Q3 report.pdf",
          .size_bytes = 1'234'567,
          .sha256 = kSha256,
          .sender_name = "Ann",
          .now = *parse_iso8601("2026-12-08T09:00:05.700Z"),
          .deadline = *parse_iso8601("2026-12-08T14:00:05Z"),
          .removed_at = *parse_iso8601("2026-12-09T09:00:05.700Z")};
}

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> out;
  for (const auto line : std::views::split(text, '\n')) out.emplace_back(line.begin(), line.end());
  return out;
}

TEST(LinkTemplate, BuiltInSaysEverything) {
  const auto mail = LinkTemplate::built_in(Language::en).render(data());
  EXPECT_EQ(mail.subject, "Ann sent you \"Q3 report.pdf\", available until 8 December, 14:00 (UTC)");
  EXPECT_EQ(mail.text.reveal(),
            "Ann sent you a file.\n"
            "\n"
            "File:     Q3 report.pdf\n"
            "Size:     1.2 MB (1,234,567 bytes)\n"
            "SHA-256:  abababababababababababababababababababababababababababababababab\n"
            "\n"
            "Download it here:\n"
            "\n"
            "https://files.example.org/b/k?X-Amz-Signature=00&x=1\n"
            "\n"
            "The link works until Tuesday, 8 December, 14:00 (UTC).\n"
            "The file itself is removed on Wednesday, 9 December, 09:00 (UTC).\n"
            "\n"
            "Whoever has this link can download the file: pass it on with care.\n"
            "You did not expect this mail? Then do not open the link.\n");
  const std::string_view html = mail.html.reveal();
  for (const std::string_view part :
       {"href=\"https://files.example.org/b/k?X-Amz-Signature=00&amp;x=1\"", "<bdi>Q3 report.pdf</bdi>",
        "1.2 MB (1,234,567 bytes)", "until <strong>Tuesday, 8 December, 14:00 (UTC)</strong>.",
        "Wednesday, 9 December, 09:00 (UTC).", "abababab", "<html lang=\"en\" dir=\"ltr\">",
        "<table role=\"presentation\" lang=\"en\" dir=\"ltr\"", "role=\"presentation\"", "prefers-color-scheme: dark",
        "max-width:600px"}) {
    EXPECT_TRUE(html.contains(part)) << part;
  }
  EXPECT_FALSE(html.contains("{{"));
}

TEST(LinkTemplate, RemovalIsToldOnlyWhereItIsLater) {
  LinkMailData both_end_together = data();
  both_end_together.removed_at = both_end_together.deadline + std::chrono::milliseconds(700);
  EXPECT_FALSE(LinkTemplate::built_in(Language::en).render(both_end_together).text.reveal().contains("removed"));
  LinkMailData never = data();
  never.removed_at = {};
  const auto mail = LinkTemplate::built_in(Language::en).render(never);
  EXPECT_FALSE(mail.text.reveal().contains("removed"));
  EXPECT_FALSE(mail.html.reveal().contains("removed"));
}

TEST(LinkTemplate, FileNamesCannotBecomeMarkupOrLines) {
  LinkMailData hostile = data();
  hostile.key = "x/<img src=x onerror=alert(1)>'\"&\r\nBcc: a@b\u202E{{LINK}}.pdf";
  hostile.sender_name = "<script>\nx";
  const auto mail = LinkTemplate::built_in(Language::en).render(hostile);
  EXPECT_EQ(mail.subject,
            "<script> x sent you \"<img src=x onerror=alert(1)>'\"& Bcc: a@b{{LINK}}.pdf\", available until 8 "
            "December, 14:00 (UTC)");
  const std::string_view html = mail.html.reveal();
  EXPECT_TRUE(html.contains("&lt;img src=x onerror=alert(1)&gt;&#39;&quot;&amp; Bcc: a@b{{LINK}}.pdf"));
  EXPECT_FALSE(html.contains("<img")) << html;
  EXPECT_FALSE(html.contains("<script"));
  EXPECT_FALSE(html.contains("\u202E"));
  for (const auto& line : lines(mail.text.reveal())) EXPECT_FALSE(line.starts_with("Bcc"));
}

TEST(LinkTemplate, LinkStandsAloneOnItsLine) {
  for (const std::string& line : lines(LinkTemplate::built_in(Language::en).render(data()).text.reveal())) {
    if (line.contains("https://")) EXPECT_EQ(line, kLink);
  }
}

TEST(LinkTemplate, WorksWithoutASenderName) {
  LinkMailData anonymous = data();
  anonymous.sender_name = "";
  const auto mail = LinkTemplate::built_in(Language::en).render(anonymous);
  EXPECT_EQ(mail.subject, "\"Q3 report.pdf\", available until 8 December, 14:00 (UTC)");
  EXPECT_TRUE(mail.text.reveal().starts_with("You were sent a file.\n"));
}

TEST(LinkTemplate, BuiltInPassesItsOwnCheck) {
  EXPECT_TRUE(LinkTemplate::parse(LinkTemplate::built_in_texts(Language::en)));
}

TEST(LinkTemplate, EveryVariableHasAValue) {
  const std::string all =
      "{{LINK}}|{{FILE_NAME}}|{{FILE_SIZE}}|{{EXPIRES_AT}}|{{EXPIRES_SHORT}}|{{EXPIRES_IN}}|{{REMOVED_AT}}|{{BUCKET}}|{"
      "{KEY}}"
      "|{{SHA256}}|{{SENDER_NAME}}|{{#REMOVED_LATER}}later{{/REMOVED_LATER}}|{{! a comment }}{{{KEY}}}{{&KEY}}";
  const auto parsed = LinkTemplate::parse({.subject = "s", .html = "{{LINK}}", .text = all});
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(
      parsed->render(data()).text.reveal(),
      std::string(kLink) +
          "|Q3 report.pdf|1.2 MB (1,234,567 bytes)|Tuesday, 8 December 2026, 14:00:05 UTC|8 Dec 14:00 UTC|5 hours|"
          "Wednesday, 9 December 2026, 09:00:05 UTC|file-exchange|reports/Q3 report.pdf|"
          "abababababababababababababababababababababababababababababababab|Ann|later|"
          "reports/Q3 report.pdfreports/Q3 report.pdf");
}

TEST(LinkTemplate, LocalVariablesSpeakTheReadersLanguageInTheirZone) {
  const auto parsed = LinkTemplate::parse(
      {.subject = "{{EXPIRES_LOCAL_SHORT}}",
       .html = "{{LINK}}",
       .text = "{{LINK}}{{FILE_SIZE_LOCAL}}|{{EXPIRES_LOCAL}}|{{#REMOVED_LOCAL}}{{REMOVED_LOCAL}}{{/REMOVED_LOCAL}}|"
               "{{LANGUAGE}}|{{FILE_SIZE}}|{{EXPIRES_AT}}|{{EXPIRES_SHORT}}"});
  ASSERT_TRUE(parsed) << parsed.error().message;
  LinkMailData german = data();
  german.language = Language::de;
  german.utc_offset = [](Instant) -> std::chrono::seconds { return std::chrono::hours(1); };
  const auto mail = parsed->render(german);
  EXPECT_EQ(mail.subject, "8. Dezember, 15:00 Uhr (UTC+1)");
  EXPECT_EQ(mail.text.reveal(), std::string(kLink) +
                                    "1,2 MB (1.234.567 Bytes)|Dienstag, 8. Dezember, 15:00 Uhr (UTC+1)|"
                                    "Mittwoch, 9. Dezember, 10:00 Uhr (UTC+1)|de|1.2 MB (1,234,567 bytes)|"
                                    "Tuesday, 8 December 2026, 14:00:05 UTC|8 Dec 14:00 UTC");
  // It is told only where it reads otherwise than the deadline.
  german.removed_at = german.deadline + std::chrono::seconds(40);
  EXPECT_TRUE(parsed->render(german).text.reveal().contains("(UTC+1)||de"));
}

struct BrokenCase {
  std::string name;
  TemplateTexts texts;
  std::string want;  // beginning of the error
};
const std::string kVariablesListed =
    "; there are LINK, FILE_NAME, FILE_SIZE, EXPIRES_AT, EXPIRES_IN, REMOVED_AT, BUCKET, KEY, SHA256, SENDER_NAME, "
    "EXPIRES_SHORT, FILE_SIZE_LOCAL, EXPIRES_LOCAL, EXPIRES_LOCAL_SHORT, REMOVED_LOCAL, LANGUAGE";
const std::vector<BrokenCase> kBrokenCases = {
    {"unknown", {"s", "{{LINK}}", "{{LINK}} {{ FILE }}"}, "body.txt: unknown variable {{FILE}}" + kVariablesListed},
    {"unknown_in_a_section_not_shown",
     {"s", "{{LINK}}{{^LINK}}{{X}}{{/LINK}}", "{{LINK}}"},
     "body.html: unknown variable {{X}}"},
    {"unknown_section", {"s", "{{LINK}}{{#X}}{{/X}}", "{{LINK}}"}, "body.html: unknown variable {{X}}"},
    {"section_as_variable",
     {"s", "{{LINK}}", "{{LINK}}{{REMOVED_LATER}}"},
     "body.txt: unknown variable {{REMOVED_LATER}}"},
    {"empty_tag", {"{{}}", "{{LINK}}", "{{LINK}}"}, "subject.txt: unknown variable {{}}"},
    {"open_tag", {"{{KEY", "{{LINK}}", "{{LINK}}"}, "subject.txt: a tag that begins with {{ does not end"},
    {"open_section", {"s", "{{LINK}}{{#KEY}}", "{{LINK}}"}, "body.html: Unclosed section \"KEY\""},
    {"closed_section", {"s", "{{LINK}}{{/KEY}}", "{{LINK}}"}, "body.html: Unopened section \"KEY\""},
    {"partial", {"s", "{{LINK}}{{> header}}", "{{LINK}}"}, "body.html: {{> header}}: other files cannot be included"},
    {"delimiters",
     {"s", "{{LINK}}", "{{=<% %>=}}<% LINK %>"},
     "body.txt: {{=<% %>=}}: the delimiters cannot be changed"},
    {"unescaped_html", {"s", "{{LINK}}{{{KEY}}}", "{{LINK}}"}, "body.html: {{KEY}} would not be escaped"},
    {"unescaped_html_by_ampersand",
     {"s", "{{LINK}}{{& KEY}}", "{{LINK}}"},
     "body.html: {{& KEY}} would not be escaped"},
    {"html_without_link", {"s", "hello", "{{LINK}}"}, "body.html: {{LINK}} is missing"},
    {"text_without_link", {"s", "{{LINK}}", "{{#LINK}}x{{/LINK}}"}, "body.txt: {{LINK}} is missing"},
    {"link_in_subject", {"{{LINK}}", "{{LINK}}", "{{LINK}}"}, "subject.txt: {{LINK}} is a secret"},
    {"empty_subject", {" \n", "{{LINK}}", "{{LINK}}"}, "subject.txt: empty"},
    {"not_utf8", {"s", "{{LINK}}\xFF", "{{LINK}}"}, "body.html: not UTF-8"},
};
class BrokenTemplateTest : public testing::TestWithParam<BrokenCase> {};
TEST_P(BrokenTemplateTest, IsRefusedByName) {
  const auto parsed = LinkTemplate::parse(GetParam().texts);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_argument);
  EXPECT_TRUE(parsed.error().message.starts_with(GetParam().want)) << parsed.error().message;
}
INSTANTIATE_TEST_SUITE_P(Table, BrokenTemplateTest, testing::ValuesIn(kBrokenCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::mail
