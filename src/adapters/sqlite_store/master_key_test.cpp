#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "adapters/sqlite_store/store.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

class MasterKeyTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "s3link-master-key-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(std::string_view text, fs::perms mode = fs::perms::owner_read | fs::perms::owner_write) const {
    const fs::path file = folder_ / "given.key";
    std::ofstream(file, std::ios::binary) << text;
    fs::permissions(file, mode);
    return file;
  }

  fs::path folder_;
};

TEST_F(MasterKeyTest, IsMadeOnceAndReadAgain) {
  const fs::path file = folder_ / "new" / "master.key";
  const auto made = load_or_create_master_key(file);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->reveal().size(), 32U);
  const auto again = load_or_create_master_key(file);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->reveal(), made->reveal());
  EXPECT_EQ(fs::file_size(file), 65U);
  EXPECT_EQ(fs::status(file).permissions() & fs::perms::all, fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_FALSE(fs::exists(file.string() + ".draft"));
}

TEST_F(MasterKeyTest, EachNewOneIsDifferent) {
  const auto one = load_or_create_master_key(folder_ / "one");
  const auto two = load_or_create_master_key(folder_ / "two");
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->reveal(), two->reveal());
}

TEST_F(MasterKeyTest, ReadsHexadecimalWithOrWithoutNewline) {
  const std::string digits(64, 'a');
  for (const std::string& text : {digits, digits + "\n", digits + "\r\n", "\xef\xbb\xbf" + digits + "\r\n"}) {
    const auto key = load_or_create_master_key(write(text));
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->reveal(), std::string(32, '\xaa'));
  }
}

TEST_F(MasterKeyTest, RefusesAnotherForm) {
  for (const std::string& text :
       {std::string(), std::string(63, 'a'), std::string(66, 'a'), std::string(64, 'x'), std::string(65, 'a') + "\n"}) {
    const auto key = load_or_create_master_key(write(text));
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().kind, ErrorKind::invalid_argument);
  }
}

TEST_F(MasterKeyTest, RefusesAKeyOthersCanRead) {
  const auto key = load_or_create_master_key(
      write(std::string(64, 'a') + "\n", fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().kind, ErrorKind::denied);
}

}  // namespace
}  // namespace s3link::sqlite_store
