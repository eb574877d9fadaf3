#include "adapters/sqlite_store/row_seal.hpp"

#include <gtest/gtest.h>

#include <set>

#include "adapters/sqlite_store/store_fixture_test.hpp"
#include "core/base/digest.hpp"

namespace s3link::sqlite_store {
namespace {

class RowSealTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Connection::open(":memory:", Connection::Mode::writer, nullptr);
    ASSERT_TRUE(opened);
    db_ = std::move(*opened);
    seals_.add_to(*db_);
    others_.add_to(*db_, "other_row_seal");
  }
  std::string ask(const char* sql) {
    Query row = db_->query(sql);
    return row.next() ? row.text(0) : "";
  }

  RowSeals seals_{test_master_key()};
  RowSeals others_{test_master_key('x')};
  std::unique_ptr<Connection> db_;
};

TEST_F(RowSealTest, IsAnHmacUnderAKeyOfItsOwn) {
  const std::string key = hmac_sha256(std::string(32, 'k'), std::string_view("s3link row seals 1\x01", 19));
  using namespace std::string_literals;  // NOLINT(google-build-using-namespace): a test
  const std::string message =
      "t\0\0\0\0\0\0\0\x02"s + "ab" + "n" + "i\0\0\0\0\0\0\x01\x02"s + "b\0\0\0\0\0\0\0\x01"s + "c";
  EXPECT_EQ(ask("SELECT row_seal('ab', NULL, 258, x'63')"), hmac_sha256(key, message).substr(0, 16));
  EXPECT_EQ(ask("SELECT row_seal('ab')"), seals_.of_text("ab"));
  EXPECT_NE(ask("SELECT row_seal('ab')"), ask("SELECT other_row_seal('ab')"));
}

TEST_F(RowSealTest, DiffersWithWhateverTheValuesAre) {
  std::set<std::string> seals;
  const char* const kDifferent[] = {
      "SELECT row_seal()",           "SELECT row_seal('')",           "SELECT row_seal('', '')",
      "SELECT row_seal(NULL)",       "SELECT row_seal(x'')",          "SELECT row_seal(0)",
      "SELECT row_seal('0')",        "SELECT row_seal(x'30')",        "SELECT row_seal(-1)",
      "SELECT row_seal('ab', 'c')",  "SELECT row_seal('a', 'bc')",    "SELECT row_seal('abc')",
      "SELECT row_seal(NULL, NULL)", "SELECT row_seal('a' || x'00')", "SELECT row_seal('a')"};
  for (const char* const sql : kDifferent) EXPECT_TRUE(seals.insert(ask(sql)).second) << sql;
  EXPECT_EQ(seals.size(), std::size(kDifferent));
  EXPECT_EQ(seals.begin()->size(), RowSeals::kSealBytes);
}

}  // namespace
}  // namespace s3link::sqlite_store
