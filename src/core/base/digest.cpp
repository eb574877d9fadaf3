#include "core/base/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace s3link {
namespace {

/// Fetched once: a fetch costs more than hashing a short text.
const EVP_MD* algorithm_of(DigestAlgorithm algorithm) {
  static EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  static EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  switch (algorithm) {
    case DigestAlgorithm::md5: return md5;
    case DigestAlgorithm::sha1: return sha1;
    case DigestAlgorithm::sha256: return sha256;
  }
  return sha256;
}

std::string digest_of(DigestAlgorithm algorithm, std::string_view data) {
  Digest digest(algorithm);
  digest.update(data);
  return digest.finish();
}

}  // namespace

void Digest::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Digest::Digest(DigestAlgorithm algorithm) : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex2(context_.get(), algorithm_of(algorithm), nullptr) != 1) {
    throw std::runtime_error("OpenSSL cannot start a digest");
  }
}
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

void Digest::update(std::span<const std::byte> data) { EVP_DigestUpdate(context_.get(), data.data(), data.size()); }

std::string Digest::finish() {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned length = 0;
  EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &length);
  out.resize(length);
  return out;
}

std::string sha256(std::string_view data) { return digest_of(DigestAlgorithm::sha256, data); }
std::string md5(std::string_view data) { return digest_of(DigestAlgorithm::md5, data); }

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::string out(32, '\0');
  unsigned length = 0;
  if (HMAC(algorithm_of(DigestAlgorithm::sha256), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(data.data()), data.size(),
           reinterpret_cast<unsigned char*>(out.data()), &length) == nullptr) {
    throw std::runtime_error("OpenSSL cannot compute an HMAC");
  }
  return out;
}

}  // namespace s3link
