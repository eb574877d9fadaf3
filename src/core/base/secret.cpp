#include "core/base/secret.hpp"

#include <openssl/crypto.h>

#include <utility>

namespace s3link {

Secret::Secret(std::string&& text) : bytes_(text.begin(), text.end()) {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
  }
  return *this;
}

Secret::~Secret() { wipe(); }

Secret Secret::clone() const { return Secret(std::string(reveal())); }

void Secret::wipe() noexcept {
  if (!bytes_.empty()) OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace s3link
