#include "core/base/secret.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace s3link {
namespace {

static_assert(!std::is_copy_constructible_v<Secret>);

TEST(Secret, WipesItsSourceAndMoves) {
  std::string source = "hunter2";
  Secret secret(std::move(source));
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): the constructor promises it
  Secret moved = std::move(secret);
  EXPECT_EQ(moved.reveal(), "hunter2");
  EXPECT_EQ(moved.clone().reveal(), "hunter2");
}

TEST(ConstantTimeEqual, ComparesAllBytes) {
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "ab"));
  EXPECT_TRUE(constant_time_equal("", ""));
}

}  // namespace
}  // namespace s3link
