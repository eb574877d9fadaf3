#include "core/config/changes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace s3link::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Loaded loaded(std::string toml, std::map<std::string, std::string> environment = {}) {
  auto out =
      load({.file = Sources::File{"s3link.toml", std::move(toml)}, .environment = std::move(environment), .flags = {}});
  EXPECT_TRUE(out) << (out ? "" : out.error().front().text());
  return std::move(*out);
}

TEST(ChangedSettings, TheSameMeaningIsNoChange) {
  EXPECT_THAT(changed_settings(loaded(""), loaded("# a comment\n")), IsEmpty());
  EXPECT_THAT(changed_settings(loaded("[log]\nlevel = \"debug\"\n"), loaded("", {{"S3LINK_LOG_LEVEL", "debug"}})),
              IsEmpty());
}

TEST(ChangedSettings, AreNamedInTheOrderOfTheDocumentation) {
  const Loaded before = loaded("[server]\nregion = \"eu-west-1\"\n");
  const Loaded after = loaded(
      "[log]\nlevel = \"debug\"\n[email]\nrecipient = [\"a@x.org\", \"b@x.org\"]\n[server]\nregion = \"eu-west-2\"\n");
  EXPECT_THAT(changed_settings(before, after), ElementsAre("server.region", "email.recipient", "log.level"));
  EXPECT_THAT(changed_settings(after, before), ElementsAre("server.region", "email.recipient", "log.level"));
}

/// A text that each key marked secret accepts, two of each.
const std::map<std::string, std::pair<std::string, std::string>> kSecretTexts = {
    {"auth.secret_access_key",
     {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "xJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}},
    {"alarm.webhook", {"https://chat.example.org/hooks/1", "https://chat.example.org/hooks/2"}},
    {"metrics.token", {"0123456789abcdef", "fedcba9876543210"}},
};

TEST(ChangedSettings, SecretsAreCompared) {
  for (const Key& key : keys()) {
    if (!key.secret) continue;
    const auto texts = kSecretTexts.find(key.dotted());
    ASSERT_NE(texts, kSecretTexts.end()) << key.dotted() << " is new: compare it in changes.cpp, too";
    const auto with = [&](const std::string& text) {
      std::map<std::string, std::string> environment = {
          {"S3LINK_AUTH_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"},
          {"S3LINK_AUTH_SECRET_ACCESS_KEY", kSecretTexts.at("auth.secret_access_key").first}};
      environment[key.environment_name()] = text;
      return loaded("", std::move(environment));
    };
    EXPECT_THAT(changed_settings(with(texts->second.first), with(texts->second.second)), ElementsAre(key.dotted()));
    EXPECT_THAT(changed_settings(with(texts->second.first), with(texts->second.first)), IsEmpty());
  }
}

}  // namespace
}  // namespace s3link::config
