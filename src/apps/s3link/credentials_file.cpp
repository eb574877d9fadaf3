#include "apps/s3link/credentials_file.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>

#include "apps/s3link/files.hpp"
#include "core/base/encoding.hpp"
#include "core/base/secret_file.hpp"

namespace s3link::app {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;
constexpr unsigned kVersion = 2;
constexpr std::string_view kOldTable = "[[old]]";

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

/// The bare number of `version = 2`; 1 where there is none, 0 where it is no number.
unsigned version_of(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || trim(line.substr(0, equals)) != "version") continue;
    const std::string_view value = trim(line.substr(equals + 1));
    unsigned number = 0;
    const auto [stopped, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
    return failure == std::errc{} && stopped == value.data() + value.size() ? number : 0;
  }
  return 1;
}

std::unexpected<Error> malformed(const std::filesystem::path& file) {
  return fail(ErrorKind::invalid_argument,
              fmt::format("{} does not hold access_key_id = \"…\" and secret_access_key = \"…\"", file.string()));
}

std::optional<sigv4::Credentials> pair_of(std::string_view block) {
  const auto id = find_value(block, "access_key_id");
  const auto secret = find_value(block, "secret_access_key");
  if (!id || !secret) return std::nullopt;
  return sigv4::Credentials{std::string(*id), Secret(std::string(*secret)), Secret()};
}

/// What begins at its line "[[old]]"; empty: there is none.
std::string_view cut_next_old(std::string_view& text) {
  const auto begin = text.find(kOldTable);
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin + kOldTable.size());
  return text.substr(0, text.find(kOldTable));
}

std::string text_of(const StoredKeys& keys) {
  std::string out = fmt::format("version = {}\naccess_key_id = \"{}\"\nsecret_access_key = \"{}\"\n", kVersion,
                                keys.current.access_key_id, keys.current.secret_access_key.reveal());
  for (const sigv4::OldCredentials& old : keys.old) {
    fmt::format_to(std::back_inserter(out),
                   "\n{}\naccess_key_id = \"{}\"\nsecret_access_key = \"{}\"\nvalid_until = \"{}\"\n", kOldTable,
                   old.credentials.access_key_id, old.credentials.secret_access_key.reveal(), iso8601(old.valid_until));
  }
  return out;
}

}  // namespace

Result<StoredKeys> read_credentials(const std::filesystem::path& file) {
  const auto whole = read_private_file(file, kMaxBytes);
  if (!whole) return std::unexpected(whole.error());
  std::string_view text = without_byte_order_mark(whole->reveal());
  const std::string_view first = text.substr(0, text.find(kOldTable));
  const unsigned version = version_of(first);
  if (version > kVersion) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} was written by a newer s3link (its version is {}, this one reads {})", file.string(),
                            version, kVersion));
  }
  auto current = pair_of(first);
  if (!current || version == 0) return malformed(file);
  StoredKeys keys{std::move(*current)};
  for (std::string_view block = cut_next_old(text); !block.empty(); block = cut_next_old(text)) {
    auto pair = pair_of(block);
    const auto until = parse_iso8601(find_value(block, "valid_until").value_or(""));
    if (!pair || !until) {
      return fail(
          ErrorKind::invalid_argument,
          fmt::format("{}: each [[old]] needs access_key_id, secret_access_key and valid_until", file.string()));
    }
    keys.old.push_back({std::move(*pair), *until});
  }
  return keys;
}

sigv4::Credentials make_credentials(ports::Random& random) {
  constexpr std::string_view kIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr std::string_view kSecretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
  return {"S3L" + random_text(random, kIdAlphabet, 17), Secret(random_text(random, kSecretAlphabet, 40)), Secret()};
}

Status write_credentials(const std::filesystem::path& file, const StoredKeys& keys) {
  const Secret text(text_of(keys));
  return replace_private_file(file, text.reveal());
}

Result<StoredKeys> read_or_create_credentials(const std::filesystem::path& file, ports::Random& random, bool& made) {
  made = false;
  auto existing = read_credentials(file);
  if (existing || existing.error().kind != ErrorKind::not_found) return existing;
  StoredKeys fresh{make_credentials(random)};
  const Secret text(text_of(fresh));
  if (const Status created = create_private_file(file, text.reveal()); !created) {
    return std::unexpected(created.error());
  }
  made = true;
  return fresh;
}

}  // namespace s3link::app
