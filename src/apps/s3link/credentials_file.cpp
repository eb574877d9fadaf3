#include "apps/s3link/credentials_file.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>

#include "apps/s3link/files.hpp"
#include "core/base/encoding.hpp"

namespace s3link::app {
namespace {

constexpr std::size_t kMaxBytes = 4096;

/// Characters of `alphabet` (a power of two of them), each from a random byte of its own.
std::string random_text(ports::Random& random, std::string_view alphabet, std::size_t length) {
  std::array<std::byte, 64> bytes;
  const auto used = std::span(bytes).first(length);
  random.fill(used);
  std::string out;
  for (const std::byte byte : used) out += alphabet[std::to_integer<std::size_t>(byte) % alphabet.size()];
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return out;
}

/// The quoted value of `name = "value"`; a view into `text`.
std::optional<std::string_view> find_value(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || trim(line.substr(0, equals)) != name) continue;
    const std::string_view value = trim(line.substr(equals + 1));
    if (value.size() < 3 || value.front() != '"' || value.back() != '"') return std::nullopt;
    return value.substr(1, value.size() - 2);
  }
  return std::nullopt;
}

}  // namespace

Result<sigv4::Credentials> read_credentials(const std::filesystem::path& file) {
  auto text = read_file(file, kMaxBytes);
  if (!text) return std::unexpected(text.error());
  const Secret whole(std::move(*text));
  struct stat status{};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    return fail(ErrorKind::denied,
                fmt::format("{} can be read by others; run: chmod 600 {}", file.string(), file.string()));
  }
  const auto id = find_value(whole.reveal(), "access_key_id");
  const auto secret = find_value(whole.reveal(), "secret_access_key");
  if (!id || !secret) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} does not hold access_key_id = \"…\" and secret_access_key = \"…\"", file.string()));
  }
  return sigv4::Credentials{std::string(*id), Secret(std::string(*secret)), Secret()};
}

Result<sigv4::Credentials> read_or_create_credentials(const std::filesystem::path& file, ports::Random& random,
                                                      bool& made) {
  made = false;
  auto existing = read_credentials(file);
  if (existing || existing.error().kind != ErrorKind::not_found) return existing;

  constexpr std::string_view kIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr std::string_view kSecretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
  sigv4::Credentials fresh{"S3L" + random_text(random, kIdAlphabet, 17),
                           Secret(random_text(random, kSecretAlphabet, 40)), Secret()};
  const Secret text(fmt::format("access_key_id = \"{}\"\nsecret_access_key = \"{}\"\n", fresh.access_key_id,
                                fresh.secret_access_key.reveal()));
  if (const Status created = create_private_file(file, text.reveal()); !created) {
    return std::unexpected(created.error());
  }
  made = true;
  return fresh;
}

}  // namespace s3link::app
