#include "adapters/sqlite_store/row_seal.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>

#include "core/base/digest.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr std::size_t kBlockBytes = 64;
constexpr std::size_t kHashBytes = 32;
/// HKDF-Expand (RFC 5869, 2.3) of the master key, which is uniformly random, to one block: the info and a counter.
constexpr std::string_view kKeyInfo("s3link row seals 1\x01", 19);

/// OpenSSL can only fail here for want of memory or by a wrong call of ours.
void require(int result) {
  if (result != 1) std::abort();
}

/// Fetched once: a fetch for each seal costs more than the seal.
const EVP_MD* sha_256() {
  static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return digest;
}

void append_number(std::string& out, std::uint64_t number) {
  const auto bytes = std::bit_cast<std::array<char, sizeof(number)>>(
      std::endian::native == std::endian::big ? number : std::byteswap(number));
  out.append(bytes.data(), bytes.size());
}

void append_bytes(std::string& out, char type, std::string_view bytes) {
  out.push_back(type);
  append_number(out, bytes.size());
  out.append(bytes);
}

void append_value(std::string& out, sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
      out.push_back('n');
      return;
    case SQLITE_INTEGER:
      out.push_back('i');
      append_number(out, static_cast<std::uint64_t>(sqlite3_value_int64(value)));
      return;
    default: {
      // A number with a fraction, which no column holds, counts as its text.
      const char type = sqlite3_value_type(value) == SQLITE_BLOB ? 'b' : 't';
      const auto* const data = static_cast<const char*>(sqlite3_value_blob(value));
      const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
      append_bytes(out, type, data == nullptr ? std::string_view() : std::string_view(data, size));
    }
  }
}

/// The digest of one block: the key, with each byte changed by `pad` (RFC 2104, 2).
EVP_MD_CTX* begin_with(std::string_view key, unsigned char pad) {
  std::array<unsigned char, kBlockBytes> block;
  block.fill(pad);
  for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= static_cast<unsigned char>(key[i]);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  if (context == nullptr) std::abort();
  require(EVP_DigestInit_ex2(context, sha_256(), nullptr));
  require(EVP_DigestUpdate(context, block.data(), block.size()));
  OPENSSL_cleanse(block.data(), block.size());
  return context;
}

}  // namespace

struct RowSealFunction {
  static void call(sqlite3_context* context, int count, sqlite3_value** values) {
    thread_local std::string message;
    message.clear();
    for (int i = 0; i < count; ++i) append_value(message, values[i]);
    std::array<unsigned char, RowSeals::kSealBytes> seal;
    static_cast<const RowSeals*>(sqlite3_user_data(context))->compute(message, seal.data());
    sqlite3_result_blob(context, seal.data(), seal.size(), SQLITE_TRANSIENT);
  }
};

void RowSeals::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

RowSeals::RowSeals(const Secret& master_key) {
  std::string key = hmac_sha256(master_key.reveal(), kKeyInfo);
  inner_.reset(begin_with(key, 0x36));
  outer_.reset(begin_with(key, 0x5c));
  OPENSSL_cleanse(key.data(), key.size());
}

RowSeals::~RowSeals() = default;

void RowSeals::add_to(Connection& db, const char* function) const {
  db.add_function(function, &RowSealFunction::call, const_cast<RowSeals*>(this));  // NOLINT: SQLite takes void*
}

std::string RowSeals::of_text(std::string_view text) const {
  std::string message;
  append_bytes(message, 't', text);
  std::string seal(kSealBytes, '\0');
  compute(message, reinterpret_cast<unsigned char*>(seal.data()));
  return seal;
}

void RowSeals::compute(std::string_view message, unsigned char* out) const {
  thread_local const Context context(EVP_MD_CTX_new());
  std::array<unsigned char, kHashBytes> hash;
  if (!context) std::abort();
  require(EVP_MD_CTX_copy_ex(context.get(), inner_.get()));
  require(EVP_DigestUpdate(context.get(), message.data(), message.size()));
  require(EVP_DigestFinal_ex(context.get(), hash.data(), nullptr));
  require(EVP_MD_CTX_copy_ex(context.get(), outer_.get()));
  require(EVP_DigestUpdate(context.get(), hash.data(), hash.size()));
  require(EVP_DigestFinal_ex(context.get(), hash.data(), nullptr));
  std::copy_n(hash.begin(), kSealBytes, out);
}

}  // namespace s3link::sqlite_store
