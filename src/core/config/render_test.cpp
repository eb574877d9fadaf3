#include "core/config/render.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <sstream>

namespace s3link::config {
namespace {
using testing::HasSubstr;
using testing::Not;

Sources from_file(std::string toml) {
  Sources sources;
  sources.file = {"s3link.toml", std::move(toml)};
  return sources;
}

TEST(RenderFile, NamesEveryKeyAndLoadsAsDefaults) {
  const std::string file = render_file();
  for (const Key& key : keys()) {
    EXPECT_THAT(file, HasSubstr("\n#" + std::string(key.name) + " = "));
    if (!key.published_name.empty()) EXPECT_THAT(file, HasSubstr(std::string(key.published_name)));
  }
  const auto got = load(from_file(file));
  ASSERT_TRUE(got);
  for (const EffectiveValue& value : got->values) EXPECT_FALSE(value.given) << value.key->dotted();
}

TEST(RenderFile, EveryLineCanBeUncommented) {
  std::istringstream lines(render_file());
  std::string uncommented;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#') && !line.starts_with("# ")) line.erase(0, 1);
    // A password needs a transport with a user; that example stands in the help of the transport.
    uncommented += line.starts_with("transport") ? "transport = \"smtp://me@relay:587\"" : line;
    uncommented += '\n';
  }
  const auto got = load(from_file(uncommented));
  ASSERT_TRUE(got) << got.error()[0].text();
  for (const EffectiveValue& value : got->values) EXPECT_TRUE(value.given) << value.key->dotted();
}

TEST(RenderFile, GivenValuesComeBack) {
  const auto first =
      load(from_file("[email]\nsender_name = \"a \\\"b\\\" \\\\ c\"\nrecipient = [\"a@x.org\", \"b@x.org\"]\n"
                     "[trace]\nsample = 0.25\n[server]\nmax_object_size = 1000\n"));
  ASSERT_TRUE(first);
  const auto second = load(from_file(render_file(first->values)));
  ASSERT_TRUE(second) << second.error()[0].text();
  for (std::size_t i = 0; i < keys().size(); ++i) EXPECT_EQ(first->values[i].texts, second->values[i].texts);
}

TEST(RenderEffective, ShowsSourcesAndMasksSecrets) {
  Sources sources = from_file("[bucket]\nname = \"files\"\n[auth]\naccess_key_id = \"AKID\"\n");
  sources.environment = {{"S3LINK_AUTH_SECRET_ACCESS_KEY", "do-not-show-this"}};
  const auto got = load(sources);
  ASSERT_TRUE(got);
  const std::string shown = render_effective(got->values);
  EXPECT_THAT(shown, HasSubstr("name = \"files\""));
  EXPECT_THAT(shown, HasSubstr("# s3link.toml:2"));
  EXPECT_THAT(shown, HasSubstr("secret_access_key = \"********\""));
  EXPECT_THAT(shown, HasSubstr("# S3LINK_AUTH_SECRET_ACCESS_KEY"));
  EXPECT_THAT(shown, Not(HasSubstr("do-not-show-this")));

  const std::string json = render_effective_json(got->values);
  EXPECT_THAT(json, Not(HasSubstr("do-not-show-this")));
  const boost::json::value document = boost::json::parse(json);
  const auto& settings = document.at("settings").as_array();
  EXPECT_EQ(settings.size(), keys().size());
  EXPECT_EQ(settings[0].at("key"), "server.listen");
  EXPECT_EQ(settings[0].at("value"), "127.0.0.1:9000");
  EXPECT_EQ(settings[0].at("source"), "default");
}

}  // namespace
}  // namespace s3link::config
