#include "adapters/sqlite_store/package_cipher.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::string_view kWrapLabel = "s3link body key 1";

using Nonce = std::array<unsigned char, kNonceBytes>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
const unsigned char* bytes_of(std::span<const std::byte> data) {
  return reinterpret_cast<const unsigned char*>(data.data());
}
unsigned char* bytes_of(std::span<std::byte> data) { return reinterpret_cast<unsigned char*>(data.data()); }

/// OpenSSL can only fail here for want of memory or by a wrong call of ours.
void require(int result) {
  if (result != 1) std::abort();
}

/// Fetched once: a fetch for each operation costs as much as a small body.
const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

Nonce package_nonce(std::uint64_t index, bool final) {
  Nonce nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[3 + i] = static_cast<unsigned char>(index >> (56 - 8 * i));
  nonce[11] = final ? 1 : 0;
  return nonce;
}

void seal_with(EVP_CIPHER_CTX* context, const unsigned char* nonce, std::string_view additional,
               std::span<const std::byte> plain, std::span<std::byte> sealed) {
  assert(sealed.size() == plain.size() + kTagBytes);
  int length = 0;
  require(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce, nullptr));
  require(EVP_EncryptUpdate(context, nullptr, &length, bytes_of(additional), static_cast<int>(additional.size())));
  if (!plain.empty())
    require(EVP_EncryptUpdate(context, bytes_of(sealed), &length, bytes_of(plain), static_cast<int>(plain.size())));
  require(EVP_EncryptFinal_ex(context, bytes_of(sealed) + plain.size(), &length));
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kTagBytes, bytes_of(sealed) + plain.size()));
}

bool open_with(EVP_CIPHER_CTX* context, const unsigned char* nonce, std::string_view additional,
               std::span<const std::byte> sealed, std::span<std::byte> plain) {
  assert(sealed.size() == plain.size() + kTagBytes);
  int length = 0;
  std::array<unsigned char, kTagBytes> tag;
  std::copy_n(bytes_of(sealed) + plain.size(), kTagBytes, tag.begin());
  require(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce, nullptr));
  require(EVP_DecryptUpdate(context, nullptr, &length, bytes_of(additional), static_cast<int>(additional.size())));
  if (!plain.empty())
    require(EVP_DecryptUpdate(context, bytes_of(plain), &length, bytes_of(sealed), static_cast<int>(plain.size())));
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()));
  std::array<unsigned char, kTagBytes> rest;
  if (EVP_DecryptFinal_ex(context, rest.data(), &length) == 1) return true;
  OPENSSL_cleanse(plain.data(), plain.size());
  return false;
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

Context make_context(std::string_view key, bool sealing) {
  assert(key.size() == kKeyBytes);
  Context context(EVP_CIPHER_CTX_new());
  if (!context) std::abort();
  require(sealing ? EVP_EncryptInit_ex2(context.get(), aes_256_gcm(), bytes_of(key), nullptr, nullptr)
                  : EVP_DecryptInit_ex2(context.get(), aes_256_gcm(), bytes_of(key), nullptr, nullptr));
  return context;
}

std::string wrap_additional(const BodyId& id) { return std::string(kWrapLabel).append(id_text(id)); }

}  // namespace

void fill_random(std::span<unsigned char> out) { require(RAND_bytes(out.data(), static_cast<int>(out.size()))); }

void PackageCipher::Free::operator()(evp_cipher_ctx_st* context) const noexcept { EVP_CIPHER_CTX_free(context); }

PackageCipher::PackageCipher(std::string_view key)
    : seal_(make_context(key, true).release()), open_(make_context(key, false).release()) {}
PackageCipher::PackageCipher(PackageCipher&&) noexcept = default;
PackageCipher& PackageCipher::operator=(PackageCipher&&) noexcept = default;
PackageCipher::~PackageCipher() = default;

void PackageCipher::seal(std::uint64_t index, bool final, std::span<const std::byte> plain,
                         std::span<std::byte> sealed) {
  seal_with(seal_.get(), package_nonce(index, final).data(), kBodyHeader, plain, sealed);
}

Status PackageCipher::open(std::uint64_t index, bool final, std::span<const std::byte> sealed,
                           std::span<std::byte> plain) {
  if (!open_with(open_.get(), package_nonce(index, final).data(), kBodyHeader, sealed, plain))
    return fail(ErrorKind::corrupt,
                "a stored body is damaged: package " + std::to_string(index) + " does not authenticate");
  return {};
}

std::string KeyWrap::wrap(const Secret& data_key, const BodyId& id) const {
  std::string wrapped(kWrappedBytes, '\0');
  const std::span<std::byte> out = std::as_writable_bytes(std::span(wrapped));
  fill_random(std::span(reinterpret_cast<unsigned char*>(wrapped.data()), kNonceBytes));
  const Context context = make_context(master_.reveal(), true);
  seal_with(context.get(), bytes_of(out), wrap_additional(id), as_bytes(data_key.reveal()), out.subspan(kNonceBytes));
  return wrapped;
}

Result<Secret> KeyWrap::unwrap(std::string_view wrapped, const BodyId& id) const {
  if (wrapped.size() != kWrappedBytes) return fail(ErrorKind::corrupt, "a wrapped data key has the wrong length");
  std::string key(kKeyBytes, '\0');
  const Context context = make_context(master_.reveal(), false);
  if (!open_with(context.get(), bytes_of(wrapped), wrap_additional(id), as_bytes(wrapped.substr(kNonceBytes)),
                 std::as_writable_bytes(std::span(key))))
    return fail(ErrorKind::corrupt, "a data key does not open under the master key");
  return Secret(std::move(key));
}

Secret make_data_key() {
  std::string key(kKeyBytes, '\0');
  fill_random(std::span(reinterpret_cast<unsigned char*>(key.data()), key.size()));
  return Secret(std::move(key));
}

}  // namespace s3link::sqlite_store
