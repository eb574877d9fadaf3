#include "core/page/accept.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace s3link::page {
namespace {

TEST(PrefersHtml, IsTrueForWhatBrowsersSendWhenTheyOpenALink) {
  for (const char* const accept : {
           "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
           "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
           "application/signed-exchange;v=b3;q=0.7",
           "text/html",
           "TEXT/HTML",
           "*/*;q=0.1, text/html;q=0.2",
           "text/html;level=1",
           " , text/html ,, ",
           "text/html;Q=1.000",
       }) {
    EXPECT_TRUE(prefers_html(accept)) << accept;
  }
}

TEST(PrefersHtml, IsFalseForEverybodyElse) {
  for (const char* const accept : {
           "",
           "*/*",
           "text/*",
           "application/xml",
           "application/xml, text/html;q=0.9",
           "text/html;q=0.5, */*",
           "text/html;q=0",
           "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",  // Java's HttpURLConnection
           "text/html;q=2",
           "text/html;q=",
           "text/html;q=0.1234",
           "text/html;q=1.001",
           "text/html;q=0.5x",
           "text/html;level",
           "text/html;level=\"1\"",
           "text/html, nonsense",
           "text/html, /xml",
           "image/png",
           "application/vnd.text/html",
       }) {
    EXPECT_FALSE(prefers_html(accept)) << accept;
  }
}

TEST(PrefersHtml, ReadsNoMoreThanItsLimits) {
  std::string many = "text/html";
  for (std::size_t i = 1; i < kMaxAcceptItems; ++i) many += ",a/b;q=0.1";
  EXPECT_TRUE(prefers_html(many));
  EXPECT_FALSE(prefers_html(many + ",a/b;q=0.1"));
  EXPECT_TRUE(prefers_html("text/html" + std::string(kMaxAcceptBytes - 9, ' ')));
  EXPECT_FALSE(prefers_html("text/html" + std::string(kMaxAcceptBytes - 8, ' ')));
}

TEST(PreferredLanguage, IsTheBestOfOurs) {
  using enum Language;
  const std::vector<std::pair<std::string, std::optional<Language>>> cases = {
      {"de", de},
      {"de-CH, de;q=0.9, en;q=0.8, *;q=0.5", de},
      {"en;q=0.8, de-AT", de},
      {"sv, no;q=0.9, fr;q=0.1", fr},
      {"uk-UA,uk;q=0.9,ru;q=0.8", uk},
      {"PL-pl", pl},
      {"es-419", es},
      {"it;q=0.5, nl;q=0.5", it},
      {"zh-Hant-TW", std::nullopt},
      {"*", std::nullopt},
      {"", std::nullopt},
      {"de;q=0", std::nullopt},
      {"de;q=0, en;q=0.1", en},
      {"deu", std::nullopt},
      {"de/at", std::nullopt},
      {"de;q=x", std::nullopt},
      {std::string(kMaxAcceptBytes + 1, 'a'), std::nullopt},
  };
  for (const auto& [field, want] : cases) EXPECT_EQ(preferred_language(field), want) << field;
}

TEST(Language, TagsAreReadBackAsTheyAreWritten) {
  for (const Language language : kLanguages) EXPECT_EQ(language_of(to_string(language)), language);
  EXPECT_EQ(language_of("english"), std::nullopt);
  EXPECT_EQ(language_of(""), std::nullopt);
}

}  // namespace
}  // namespace s3link::page
