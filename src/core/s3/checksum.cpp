#include "core/s3/checksum.hpp"

#include <algorithm>
#include <bit>

#include "core/base/encoding.hpp"

namespace s3link::s3 {
namespace {

struct Row {
  ChecksumAlgorithm algorithm;
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array kRows = {
    Row{ChecksumAlgorithm::crc32, "CRC32", 4},         Row{ChecksumAlgorithm::crc32c, "CRC32C", 4},
    Row{ChecksumAlgorithm::crc64nvme, "CRC64NVME", 8}, Row{ChecksumAlgorithm::sha1, "SHA1", 20},
    Row{ChecksumAlgorithm::sha256, "SHA256", 32},
};

const Row& row_of(ChecksumAlgorithm algorithm) noexcept { return kRows[static_cast<std::size_t>(algorithm)]; }

/// Reflected polynomials: bit i of the reversed word is the coefficient of x^i.
constexpr std::uint64_t polynomial_of(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::crc32:
      return 0xEDB88320U;  // IEEE 802.3
    case ChecksumAlgorithm::crc32c:
      return 0x82F63B78U;  // Castagnoli, RFC 3720
    case ChecksumAlgorithm::crc64nvme:
      return 0x9A6C9329AC4BC9B5U;  // NVM Express, 64-bit CRC
    default:
      return 0;
  }
}

/// Sixteen tables: table[k][b] is what the byte b contributes when k more bytes follow it. Sixteen bytes at a time
/// ("slicing") keep the processor's load ports busy instead of waiting for one chain of look-ups.
constexpr std::size_t kSlices = 16;
using Tables = std::array<std::array<std::uint64_t, 256>, kSlices>;

Tables make_tables(std::uint64_t polynomial) {
  Tables tables{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? polynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < kSlices; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8U) ^ tables[0][before & 0xFFU];
    }
  }
  return tables;
}

const Tables& tables_of(ChecksumAlgorithm algorithm) {
  static const Tables crc32 = make_tables(polynomial_of(ChecksumAlgorithm::crc32));
  static const Tables crc32c = make_tables(polynomial_of(ChecksumAlgorithm::crc32c));
  static const Tables crc64nvme = make_tables(polynomial_of(ChecksumAlgorithm::crc64nvme));
  if (algorithm == ChecksumAlgorithm::crc32) return crc32;
  return algorithm == ChecksumAlgorithm::crc32c ? crc32c : crc64nvme;
}

std::uint64_t ones(ChecksumAlgorithm algorithm) noexcept { return row_of(algorithm).bytes == 4 ? 0xFFFFFFFFU : ~0ULL; }

std::uint64_t update_crc(ChecksumAlgorithm algorithm, std::uint64_t crc, std::span<const std::byte> data) {
  const Tables& tables = tables_of(algorithm);
  while (data.size() >= kSlices) {
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < kSlices; ++i) {
      const std::uint64_t from_crc = i < 8 ? (crc >> (8 * i)) & 0xFFU : 0;
      next ^= tables[kSlices - 1 - i][static_cast<std::uint64_t>(data[i]) ^ from_crc];
    }
    crc = next;
    data = data.subspan(kSlices);
  }
  for (const std::byte byte : data) crc = (crc >> 8U) ^ tables[0][(crc ^ static_cast<std::uint64_t>(byte)) & 0xFFU];
  return crc;
}

std::string big_endian(std::uint64_t value, std::size_t bytes) {
  std::string out(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>((value >> (8 * (bytes - 1 - i))) & 0xFFU);
  return out;
}

std::uint64_t from_big_endian(std::string_view raw) {
  std::uint64_t value = 0;
  for (const char c : raw) value = (value << 8U) | static_cast<unsigned char>(c);
  return value;
}

/// Product of two polynomials modulo the CRC's, all reflected: the highest bit is the coefficient of x^0.
std::uint64_t multiply(std::uint64_t a, std::uint64_t b, std::uint64_t polynomial, unsigned width) {
  const std::uint64_t one = 1ULL << (width - 1);
  std::uint64_t product = 0;
  for (std::uint64_t bit = one; bit != 0; bit >>= 1U) {
    if ((a & bit) != 0) product ^= b;
    b = (b >> 1U) ^ ((b & 1U) != 0 ? polynomial : 0);
  }
  return product;
}

}  // namespace

std::string_view to_string(ChecksumAlgorithm algorithm) noexcept { return row_of(algorithm).name; }

std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view text) noexcept {
  const auto at = std::ranges::find_if(kRows, [&](const Row& row) { return equals_ignoring_case(row.name, text); });
  if (at == kRows.end()) return std::nullopt;
  return at->algorithm;
}

std::string checksum_field(ChecksumAlgorithm algorithm) { return "x-amz-checksum-" + to_lower(to_string(algorithm)); }

std::string checksum_element(ChecksumAlgorithm algorithm) { return "Checksum" + std::string(to_string(algorithm)); }

std::size_t checksum_bytes(ChecksumAlgorithm algorithm) noexcept { return row_of(algorithm).bytes; }

bool is_crc(ChecksumAlgorithm algorithm) noexcept { return polynomial_of(algorithm) != 0; }

Checksum::Checksum(ChecksumAlgorithm algorithm) : algorithm_(algorithm), state_(ones(algorithm)) {
  if (algorithm == ChecksumAlgorithm::sha1) state_.emplace<Digest>(DigestAlgorithm::sha1);
  if (algorithm == ChecksumAlgorithm::sha256) state_.emplace<Digest>(DigestAlgorithm::sha256);
}

void Checksum::update(std::span<const std::byte> data) {
  if (auto* const digest = std::get_if<Digest>(&state_)) {
    digest->update(data);
  } else {
    auto& crc = std::get<std::uint64_t>(state_);
    crc = update_crc(algorithm_, crc, data);
  }
}

std::string Checksum::finish() {
  if (auto* const digest = std::get_if<Digest>(&state_)) return digest->finish();
  return big_endian(std::get<std::uint64_t>(state_) ^ ones(algorithm_), checksum_bytes(algorithm_));
}

std::string combine_crc(ChecksumAlgorithm algorithm, std::string_view of_a, std::string_view of_b,
                        std::uint64_t length_of_b) {
  // CRC(AB) = CRC(A) * x^(8 * length of B) + CRC(B); the inversions at both ends cancel out.
  const std::uint64_t polynomial = polynomial_of(algorithm);
  const auto width = static_cast<unsigned>(checksum_bytes(algorithm) * 8);
  std::uint64_t power = 1ULL << (width - 1 - 8);  // x^8, then squared for each bit of the length
  std::uint64_t shifted = from_big_endian(of_a);
  for (std::uint64_t length = length_of_b; length != 0; length >>= 1U) {
    if ((length & 1U) != 0) shifted = multiply(shifted, power, polynomial, width);
    power = multiply(power, power, polynomial, width);
  }
  return big_endian(shifted ^ from_big_endian(of_b), checksum_bytes(algorithm));
}

std::string composite_checksum(ChecksumAlgorithm algorithm, const std::vector<std::string>& parts) {
  Checksum of_checksums(algorithm);
  for (const std::string& part : parts) of_checksums.update(as_bytes(part));
  return base64_encode(of_checksums.finish()) + "-" + std::to_string(parts.size());
}

}  // namespace s3link::s3
