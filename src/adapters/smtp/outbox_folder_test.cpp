#include "adapters/smtp/outbox_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "support/run_sync.hpp"

namespace s3link::smtp {
namespace {

namespace fs = std::filesystem;
using test_support::run_sync;

class OutboxFolderTest : public testing::Test {
 protected:
  OutboxFolderTest() {
    std::string name = (fs::temp_directory_path() / "s3link-outbox-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  ~OutboxFolderTest() override { fs::remove_all(root_); }

  static mail::Mail message(const std::string& id, const std::string& text = "Subject: s\r\n\r\nbody\r\n") {
    return {"files@example.org", "you@example.net", id, Secret(std::string(text))};
  }
  std::set<std::string> names() const {
    std::set<std::string> out;
    for (const auto& entry : fs::directory_iterator(root_ / "outbox")) out.insert(entry.path().filename().string());
    return out;
  }
  static std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  static unsigned mode(const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 0777U;
  }

  fs::path root_;
};

TEST_F(OutboxFolderTest, WritesAPrivateFileNamedByTheMessageId) {
  auto folder = OutboxFolder::open(root_ / "outbox");
  ASSERT_TRUE(folder) << folder.error().message;
  const auto receipt = run_sync((*folder)->send(message("<4f2a@example.org>", "a\r\nb\r\n")));
  ASSERT_TRUE(receipt) << receipt.error().error.message;
  EXPECT_EQ(receipt->reply, (root_ / "outbox" / "4f2a.eml").string());
  EXPECT_EQ(content(receipt->reply), "a\r\nb\r\n");
  EXPECT_EQ(mode(receipt->reply), 0600U);
  EXPECT_EQ(mode(root_ / "outbox"), 0700U);
  EXPECT_EQ(names(), std::set<std::string>{"4f2a.eml"});
}

TEST_F(OutboxFolderTest, RepeatReplacesTheFile) {
  auto folder = OutboxFolder::open(root_ / "outbox");
  ASSERT_TRUE(run_sync((*folder)->send(message("<4f2a@example.org>", "first, and longer"))));
  ASSERT_TRUE(run_sync((*folder)->send(message("<4f2a@example.org>", "second"))));
  EXPECT_EQ(names(), std::set<std::string>{"4f2a.eml"});
  EXPECT_EQ(content(root_ / "outbox" / "4f2a.eml"), "second");
}

TEST_F(OutboxFolderTest, NoMessageIdLeavesTheFolder) {
  auto folder = OutboxFolder::open(root_ / "outbox");
  for (const char* id : {"<../../etc/x@y>", "<.tmp-1@y>", "</x@y>", "<@y>", "", "<..@y>"}) {
    const auto receipt = run_sync((*folder)->send(message(id)));
    ASSERT_TRUE(receipt);
    EXPECT_EQ(fs::path(receipt->reply).parent_path(), root_ / "outbox") << id;
    EXPECT_EQ(fs::path(receipt->reply).filename().string().size(), 64U + 4U) << id;
  }
  EXPECT_EQ(names().size(), 6U);
}

TEST_F(OutboxFolderTest, StartRemovesWhatAnInterruptedWriteLeft) {
  fs::create_directory(root_ / "outbox");
  std::ofstream(root_ / "outbox" / ".tmp-1") << "half";
  std::ofstream(root_ / "outbox" / "kept.eml") << "whole";
  ASSERT_TRUE(OutboxFolder::open(root_ / "outbox"));
  EXPECT_EQ(names(), std::set<std::string>{"kept.eml"});
}

TEST_F(OutboxFolderTest, FolderThatCannotBeUsedIsNamed) {
  std::ofstream(root_ / "outbox") << "a file";
  const auto folder = OutboxFolder::open(root_ / "outbox");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().kind, ErrorKind::internal);
  EXPECT_TRUE(folder.error().message.contains((root_ / "outbox").string())) << folder.error().message;
}

TEST_F(OutboxFolderTest, FolderThatVanishesIsTransient) {
  auto folder = OutboxFolder::open(root_ / "outbox");
  fs::remove(root_ / "outbox");
  const auto receipt = run_sync((*folder)->send(message("<4f2a@example.org>")));
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().error.kind, ErrorKind::transient);
  EXPECT_TRUE(receipt.error().error.message.contains((root_ / "outbox").string())) << receipt.error().error.message;
}

TEST_F(OutboxFolderTest, FolderRemovedAndMadeAgainIsFoundAgain) {
  auto folder = OutboxFolder::open(root_ / "outbox");
  ASSERT_TRUE(run_sync((*folder)->send(message("<1@example.org>"))));
  fs::remove_all(root_ / "outbox");
  ASSERT_FALSE(run_sync((*folder)->send(message("<2@example.org>"))));
  fs::create_directory(root_ / "outbox");
  const auto receipt = run_sync((*folder)->send(message("<2@example.org>")));
  ASSERT_TRUE(receipt) << receipt.error().error.message;
  EXPECT_EQ(names(), std::set<std::string>{"2.eml"});
}

}  // namespace
}  // namespace s3link::smtp
