#include "apps/s3link/send_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/fake_random.hpp"

namespace s3link::app {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

class SendPlanTest : public testing::Test {
 protected:
  SendPlanTest() {
    for (const char* const file : {"d1/same.txt", "d2/same.txt", "d2/other.txt", "d2/deep/er/leaf.txt"}) {
      fs::create_directories((folder_ / file).parent_path());
      std::ofstream(folder_ / file) << file;
    }
  }
  ~SendPlanTest() override { fs::remove_all(folder_); }

  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  Result<SendPlan> plan(SendRequest request) {
    for (std::string& file : request.files) {
      if (file != "-") file = at(file);
    }
    return plan_send(request, random_, parse_iso8601("2026-11-28T14:00:00Z").value());
  }
  std::vector<std::string> keys(SendRequest request) {
    std::vector<std::string> out;
    const auto got = plan(std::move(request));
    EXPECT_TRUE(got) << got.error().message;
    if (got) {
      for (const PlannedFile& file : got->files) out.push_back(file.key);
    }
    return out;
  }
  std::string refusal(SendRequest request) {
    const auto got = plan(std::move(request));
    EXPECT_FALSE(got);
    if (got) return {};
    EXPECT_EQ(got.error().kind, ErrorKind::invalid_argument);
    return got.error().message;
  }

  test_support::FakeRandom random_;
  const fs::path folder_ = testing::TempDir() + "send-plan-test-" + std::to_string(::getpid());
};

TEST_F(SendPlanTest, FileIsNamedAsItIsCalledOrAsItIsTold) {
  EXPECT_THAT(keys({.files = {"d1/same.txt", "d2/other.txt"}}), ElementsAre("same.txt", "other.txt"));
  EXPECT_THAT(keys({.files = {"d1/same.txt"}, .key = "a/b"}), ElementsAre("a/b"));
  EXPECT_THAT(keys({.files = {"-"}, .key = "in"}), ElementsAre("in"));
  EXPECT_THAT(keys({.files = {"d1/same.txt", "d2/other.txt"}, .prefix = "p/"}),
              ElementsAre("p/same.txt", "p/other.txt"));
  EXPECT_THAT(keys({.files = {"d1/same.txt"}, .key = "k", .prefix = "p-"}), ElementsAre("p-k"));
  EXPECT_THAT(keys({.files = {"missing"}}), ElementsAre("missing"));  // opening it says so
}

TEST_F(SendPlanTest, TwoFilesUnderOneKeyAreRefusedWithBothNames) {
  const std::vector<SendRequest> requests = {
      {.files = {"d1/same.txt", "d2/same.txt"}},
      {.files = {"d1/same.txt", "d2/other.txt", "d2/same.txt"}, .prefix = "p/"},
      {.files = {"d1/same.txt", "d2"}, .prefix = "", .recursive = true},
  };
  EXPECT_THAT(refusal(requests[0]), AllOf(HasSubstr(at("d1/same.txt")), HasSubstr(at("d2/same.txt"))));
  EXPECT_THAT(refusal(requests[1]), AllOf(HasSubstr("p/same.txt"), HasSubstr("--unique")));
  EXPECT_TRUE(plan(requests[2]));  // same.txt and d2/same.txt
  EXPECT_THAT(refusal({.files = {"d1/same.txt", "d1/same.txt"}}), HasSubstr("same.txt"));
  EXPECT_THAT(refusal({.files = {"d2", "d2/../d2"}, .recursive = true}), HasSubstr("d2/"));
}

TEST_F(SendPlanTest, UniqueKeepsThemApartAndKeepsTheName) {
  const auto got = keys({.files = {"d1/same.txt", "d2/same.txt"}, .prefix = "p/", .unique = true});
  ASSERT_EQ(got.size(), 2u);
  for (const std::string& key : got) EXPECT_THAT(key, MatchesRegex("p/20261128-[a-z2-7]{16}/same\\.txt"));
  EXPECT_NE(got[0], got[1]);
}

TEST_F(SendPlanTest, FolderKeepsItsPathsBelowItsName) {
  EXPECT_THAT(keys({.files = {"d2"}, .recursive = true}),
              ElementsAre("d2/deep/er/leaf.txt", "d2/other.txt", "d2/same.txt"));
  EXPECT_THAT(keys({.files = {"d2/deep/"}, .prefix = "x/", .recursive = true}), ElementsAre("x/deep/er/leaf.txt"));
  EXPECT_THAT(keys({.files = {"d2/deep/er/.."}, .recursive = true}), ElementsAre("deep/er/leaf.txt"));
  EXPECT_THAT(refusal({.files = {"d2"}}), HasSubstr("--recursive"));
  EXPECT_THAT(refusal({.files = {"d2"}, .key = "k", .recursive = true}), HasSubstr("--prefix"));
}

TEST_F(SendPlanTest, WhatIsNoFileInAFolderIsSkippedAndNamed) {
  fs::create_directory_symlink(folder_, folder_ / "d1/round");
  fs::create_symlink(folder_ / "d2/other.txt", folder_ / "d1/link.txt");
  fs::create_symlink("nowhere", folder_ / "d1/broken");
  ASSERT_EQ(::mkfifo((folder_ / "d1/pipe").c_str(), 0600), 0);
  const auto got = plan({.files = {"d1"}, .recursive = true});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->files.size(), 2u);
  EXPECT_EQ(got->files[0].key, "d1/link.txt");
  EXPECT_THAT(got->skipped, testing::UnorderedElementsAre(HasSubstr("round"), HasSubstr("broken"), HasSubstr("pipe")));
}

TEST_F(SendPlanTest, WrongUseIsRefused) {
  EXPECT_THAT(refusal({.files = {"-"}}), HasSubstr("--key"));
  EXPECT_THAT(refusal({.files = {"d1/same.txt", "d2/other.txt"}, .key = "k"}), HasSubstr("--key"));
}

}  // namespace
}  // namespace s3link::app
