#include "core/page/recipient_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/page/recipient_texts.hpp"

namespace s3link::page {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::array kTroubles = {LinkTrouble::expired, LinkTrouble::removed,  LinkTrouble::incomplete,
                                  LinkTrouble::changed, LinkTrouble::key_gone, LinkTrouble::unavailable};

TEST(RecipientTexts, AreThereForEveryTroubleInEveryLanguageAndAllDiffer) {
  std::set<std::string_view> headings;
  std::set<std::string_view> explanations;
  for (const Language language : kLanguages) {
    for (const LinkTrouble trouble : kTroubles) {
      const auto text = recipient_text(trouble, language);
      EXPECT_TRUE(headings.insert(text.heading).second) << text.heading;
      EXPECT_TRUE(explanations.insert(text.explanation).second) << text.explanation;
      EXPECT_TRUE(text.ask.ends_with(':')) << text.ask;
      EXPECT_TRUE(is_utf8(text.explanation));
      EXPECT_THAT(std::string(text.explanation), Not(HasSubstr("  ")));
    }
  }
}

TEST(RecipientPage, SaysItsLanguageAndWhomToAsk) {
  for (const Language language : kLanguages) {
    const std::string page = recipient_page(LinkTrouble::expired, language, "files@example.org");
    EXPECT_THAT(page, HasSubstr("<html lang=\"" + std::string(to_string(language)) + "\" dir=\"ltr\">"));
    EXPECT_THAT(page, HasSubstr("<a href=\"mailto:files@example.org\"><bdi>files@example.org</bdi></a>"));
    EXPECT_THAT(page, Not(HasSubstr("<script")));
  }
}

TEST(RecipientPage, NamesNobodyWhereNobodyIsToBeNamed) {
  EXPECT_THAT(recipient_page(LinkTrouble::removed, Language::en, ""), Not(HasSubstr("mailto")));
}

TEST(RecipientPage, EncodesAnOddAddress) {
  const std::string page = recipient_page(LinkTrouble::removed, Language::en, "a?b&c%d'e@example.org");
  EXPECT_THAT(page, HasSubstr("href=\"mailto:a%3Fb%26c%25d%27e@example.org\""));
  EXPECT_THAT(page, HasSubstr("<bdi>a?b&amp;c%d&#39;e@example.org</bdi>"));
}

TEST(RecipientPage, ItsPolicyAllowsTheStyleInItAndNothingElse) {
  const std::string page = recipient_page(LinkTrouble::changed, Language::en, "");
  const auto begin = page.find("<style>") + 7;
  const std::string style = page.substr(begin, page.find("</style>") - begin);
  EXPECT_EQ(recipient_page_policy(), "default-src 'none'; style-src 'sha256-" + base64_encode(sha256(style)) +
                                         "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
}

}  // namespace
}  // namespace s3link::page
