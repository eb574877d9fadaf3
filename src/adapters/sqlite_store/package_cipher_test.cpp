#include "adapters/sqlite_store/package_cipher.hpp"

#include <gtest/gtest.h>

#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

std::string seal(PackageCipher& cipher, std::uint64_t index, bool final, const std::string& plain) {
  std::string sealed(plain.size() + kTagBytes, '\0');
  cipher.seal(index, final, as_bytes(plain), std::as_writable_bytes(std::span(sealed)));
  return sealed;
}

Result<std::string> open(PackageCipher& cipher, std::uint64_t index, bool final, const std::string& sealed) {
  std::string plain(sealed.size() - kTagBytes, 'p');
  const auto opened = cipher.open(index, final, as_bytes(sealed), std::as_writable_bytes(std::span(plain)));
  if (opened) return plain;
  // What does not authenticate is not shown either.
  EXPECT_EQ(plain, std::string(plain.size(), '\0'));
  return std::unexpected(opened.error());
}

TEST(PackageCipherTest, OpensWhatItSealedInItsPlaceOnly) {
  PackageCipher cipher(std::string(32, 'k'));
  const std::string plain = pattern(1000);
  const std::string sealed = seal(cipher, 3, false, plain);
  EXPECT_EQ(open(cipher, 3, false, sealed), plain);
  EXPECT_EQ(open(cipher, 4, false, sealed).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(open(cipher, 3, true, sealed).error().kind, ErrorKind::corrupt);
  PackageCipher other(std::string(32, 'o'));
  EXPECT_EQ(open(other, 3, false, sealed).error().kind, ErrorKind::corrupt);
}

TEST(PackageCipherTest, EmptyPackageAuthenticates) {
  PackageCipher cipher(std::string(32, 'k'));
  std::string sealed = seal(cipher, 0, true, "");
  EXPECT_EQ(sealed.size(), kTagBytes);
  EXPECT_EQ(open(cipher, 0, true, sealed), "");
  EXPECT_FALSE(open(cipher, 0, false, sealed));
}

TEST(PackageCipherTest, EveryFlippedBitIsNoticed) {
  PackageCipher cipher(std::string(32, 'k'));
  const std::string sealed = seal(cipher, 0, true, "sixteen bytes...");
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string damaged = sealed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(open(cipher, 0, true, damaged)) << bit;
  }
}

TEST(PackageCipherTest, CountsPackages) {
  EXPECT_EQ(package_count(0), 1U);
  EXPECT_EQ(package_count(1), 1U);
  EXPECT_EQ(package_count(65'536), 1U);
  EXPECT_EQ(package_count(65'537), 2U);
}

TEST(KeyWrapTest, UnwrapsUnderTheSameMasterKeyForTheSameBody) {
  const KeyWrap keys(test_master_key());
  const Secret key = make_data_key();
  BodyId id;
  fill_random(id);
  const std::string wrapped = keys.wrap(key, id);
  EXPECT_EQ(wrapped.size(), KeyWrap::kWrappedBytes);
  EXPECT_EQ(wrapped.find(key.reveal()), std::string::npos);
  const auto back = keys.unwrap(wrapped, id);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->reveal(), key.reveal());
  EXPECT_NE(keys.wrap(key, id), wrapped);

  BodyId other = id;
  other[0] ^= 1;
  EXPECT_EQ(keys.unwrap(wrapped, other).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(KeyWrap(test_master_key('x')).unwrap(wrapped, id).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(keys.unwrap(wrapped.substr(1), id).error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace s3link::sqlite_store
