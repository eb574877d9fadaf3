#include "core/sigv4/signing_key.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cassert>
#include <stdexcept>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sigv4 {
namespace {

constexpr std::size_t kBlockBytes = 64;

/// Only memory can be what is missing.
void check(bool done) {
  if (!done) throw std::runtime_error("OpenSSL cannot compute an HMAC");
}

}  // namespace

void HmacKey::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

HmacKey::HmacKey(Secret bytes)
    : bytes_(std::move(bytes)), inner_(started(bytes_.reveal(), 0x36)), outer_(started(bytes_.reveal(), 0x5c)) {}
HmacKey::~HmacKey() = default;

HmacKey::Context HmacKey::started(std::string_view key, char pad) {
  assert(key.size() <= kBlockBytes);
  std::string block(key);
  block.resize(kBlockBytes);
  for (char& c : block) c = static_cast<char>(c ^ pad);
  const Secret padded(std::move(block));
  Context out(EVP_MD_CTX_new());
  check(out && EVP_DigestInit_ex2(out.get(), EVP_sha256(), nullptr) == 1 &&
        EVP_DigestUpdate(out.get(), padded.reveal().data(), kBlockBytes) == 1);
  return out;
}

std::array<char, 32> HmacKey::hmac(std::string_view text) const {
  const Context context(EVP_MD_CTX_new());
  std::array<char, 32> out{};
  auto* const digest = reinterpret_cast<unsigned char*>(out.data());
  check(context && EVP_MD_CTX_copy_ex(context.get(), inner_.get()) == 1 &&
        EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1 &&
        EVP_DigestFinal_ex(context.get(), digest, nullptr) == 1 &&
        EVP_MD_CTX_copy_ex(context.get(), outer_.get()) == 1 &&
        EVP_DigestUpdate(context.get(), digest, out.size()) == 1 &&
        EVP_DigestFinal_ex(context.get(), digest, nullptr) == 1);
  return out;
}

SigningKey derive_signing_key(const Secret& secret_access_key, const CredentialScope& scope) {
  const Secret start("AWS4" + std::string(secret_access_key.reveal()));
  const Secret date_key(hmac_sha256(start.reveal(), scope.date));
  const Secret region_key(hmac_sha256(date_key.reveal(), scope.region));
  const Secret service_key(hmac_sha256(region_key.reveal(), scope.service));
  return std::make_shared<const HmacKey>(Secret(hmac_sha256(service_key.reveal(), kScopeTerminal)));
}

std::string signature(const SigningKey& key, std::string_view string_to_sign) {
  const auto hmac = key->hmac(string_to_sign);
  return hex_encode({hmac.data(), hmac.size()});
}

SigningKey SigningKeyCache::get(const CredentialScope& scope) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(keys_, scope, &std::pair<CredentialScope, SigningKey>::first);
  if (found != keys_.end()) {
    std::rotate(found, found + 1, keys_.end());
    return keys_.back().second;
  }
  if (keys_.size() == kMaxKeys) keys_.erase(keys_.begin());
  return keys_.emplace_back(scope, derive_signing_key(secret_, scope)).second;
}

}  // namespace s3link::sigv4
