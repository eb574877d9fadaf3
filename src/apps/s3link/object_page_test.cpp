#include "apps/s3link/object_page.hpp"

#include <gtest/gtest.h>

namespace s3link::app {
namespace {

TEST(ParseObjectPage, ReadsObjectsAndWhereItGoesOn) {
  const auto got = parse_object_page(
      R"({"objects":[{"key":"a b+/é\n","size_bytes":5368709120,"etag":"abc","modified":"2026-01-02T03:04:05.000Z",)"
      R"("removed_at":"2026-01-03T03:04:05.000Z"},)"
      R"({"key":"kept","size_bytes":0,"etag":"","modified":"2026-01-02T03:04:05.000Z","removed_at":null}],"next":"kept"})");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->next, "kept");
  ASSERT_EQ(got->objects.size(), 2u);
  EXPECT_EQ(got->objects[0].key, "a b+/é\n");
  EXPECT_EQ(got->objects[0].size_bytes, 5368709120u);
  EXPECT_EQ(got->objects[0].etag, "abc");
  EXPECT_EQ(iso8601(got->objects[0].modified), "2026-01-02T03:04:05.000Z");
  ASSERT_TRUE(got->objects[0].removed_at);
  EXPECT_EQ(iso8601(*got->objects[0].removed_at), "2026-01-03T03:04:05.000Z");
  EXPECT_FALSE(got->objects[1].removed_at);
}

TEST(ParseObjectPage, LastPageHasNoNext) {
  const auto got = parse_object_page(R"({"objects":[],"next":null})");
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->objects.empty());
  EXPECT_EQ(got->next, "");
}

TEST(ParseObjectPage, AnythingElseIsAnError) {
  for (const auto* text : {"", "{}", "[]", R"({"objects":{}})", R"({"objects":[{"key":"a"}]})", R"({"objects":[1]})",
                           R"({"objects":[{"key":"","modified":"2026-01-02T03:04:05.000Z"}]})"}) {
    EXPECT_FALSE(parse_object_page(text)) << text;
  }
}

}  // namespace
}  // namespace s3link::app
