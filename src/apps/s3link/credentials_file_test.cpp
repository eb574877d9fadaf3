#include "apps/s3link/credentials_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "support/fake_random.hpp"

namespace s3link::app {
namespace {

class CredentialsFileTest : public testing::Test {
 protected:
  CredentialsFileTest() { std::filesystem::create_directories(folder_); }
  ~CredentialsFileTest() override { std::filesystem::remove_all(folder_); }

  Result<StoredKeys> read(const std::string& text, ::mode_t mode = 0600) {
    std::ofstream(file_) << text;
    ::chmod(file_.c_str(), mode);
    return read_credentials(file_);
  }

  const std::filesystem::path folder_ = testing::TempDir() + "credentials-test-" + std::to_string(::getpid());
  const std::filesystem::path file_ = folder_ / "credentials";
};

TEST_F(CredentialsFileTest, MadeOnceAndReadAgain) {
  test_support::FakeRandom random;
  bool made = false;
  const auto first = read_or_create_credentials(file_, random, made);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(made);
  EXPECT_EQ(first->current.access_key_id.size(), 20u);
  EXPECT_TRUE(first->current.access_key_id.starts_with("S3L"));
  EXPECT_EQ(first->current.secret_access_key.reveal().size(), 40u);
  struct stat status{};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);  // nothing temporary stays

  const auto second = read_or_create_credentials(file_, random, made);
  ASSERT_TRUE(second);
  EXPECT_FALSE(made);
  EXPECT_EQ(second->current.access_key_id, first->current.access_key_id);
  EXPECT_EQ(second->current.secret_access_key.reveal(), first->current.secret_access_key.reveal());
}

TEST_F(CredentialsFileTest, OtherFormsAreRefused) {
  EXPECT_EQ(read_credentials(file_).error().kind, ErrorKind::not_found);
  const auto good = read("\xef\xbb\xbf# mine\n access_key_id=\"AKID\"\r\nsecret_access_key = \"sec=ret\"\n");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->current.access_key_id, "AKID");
  EXPECT_EQ(good->current.secret_access_key.reveal(), "sec=ret");
  for (const auto* text : {"", "access_key_id = \"AKID\"\n", "access_key_id = AKID\nsecret_access_key = x\n",
                           "access_key_id = \"\"\nsecret_access_key = \"\"\n"}) {
    EXPECT_EQ(read(text).error().kind, ErrorKind::invalid_argument) << text;
  }
}

TEST_F(CredentialsFileTest, FileThatOthersCanReadIsRefused) {
  EXPECT_EQ(read("access_key_id = \"AKID\"\nsecret_access_key = \"secret\"\n", 0644).error().kind, ErrorKind::denied);
}

TEST_F(CredentialsFileTest, OldPairsAreKeptWithTheirEnds) {
  test_support::FakeRandom random;
  StoredKeys keys{make_credentials(random)};
  keys.old.push_back({{"FIRST", Secret(std::string("secret-1")), Secret()}, *parse_iso8601("2026-11-28T10:00:00Z")});
  keys.old.push_back({{"SECOND", Secret(std::string("secret-2")), Secret()}, *parse_iso8601("2026-11-29T10:00:00Z")});
  ASSERT_TRUE(write_credentials(file_, keys));
  const auto got = read_credentials(file_);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->current.access_key_id, keys.current.access_key_id);
  ASSERT_EQ(got->old.size(), 2u);
  EXPECT_EQ(got->old[1].credentials.access_key_id, "SECOND");
  EXPECT_EQ(got->old[1].credentials.secret_access_key.reveal(), "secret-2");
  EXPECT_EQ(iso8601(got->old[1].valid_until), iso8601(keys.old[1].valid_until));
  struct stat status{};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(CredentialsFileTest, VersionsAreTold) {
  const std::string pair = "access_key_id = \"AKID\"\nsecret_access_key = \"secret\"\n";
  EXPECT_TRUE(read(pair));  // version 1 has no number
  EXPECT_TRUE(read("version = 2\n" + pair));
  const auto newer = read("version = 3\n" + pair);
  ASSERT_FALSE(newer);
  EXPECT_TRUE(newer.error().message.contains("newer")) << newer.error().message;
  EXPECT_FALSE(read("version = x\n" + pair));
  EXPECT_FALSE(read(pair + "[[old]]\n" + pair));  // without an end
}

}  // namespace
}  // namespace s3link::app
