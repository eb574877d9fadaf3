#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/digest.hpp"

namespace s3link::s3 {

/// The additional checksums of S3. Source: Amazon S3 User Guide, "Checking object integrity".
enum class ChecksumAlgorithm { crc32, crc32c, crc64nvme, sha1, sha256 };
inline constexpr std::array kChecksumAlgorithms = {ChecksumAlgorithm::crc32, ChecksumAlgorithm::crc32c,
                                                   ChecksumAlgorithm::crc64nvme, ChecksumAlgorithm::sha1,
                                                   ChecksumAlgorithm::sha256};

/// "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256".
std::string_view to_string(ChecksumAlgorithm algorithm) noexcept;
/// Either case.
std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view text) noexcept;
/// "x-amz-checksum-crc32".
std::string checksum_field(ChecksumAlgorithm algorithm);
/// "ChecksumCRC32".
std::string checksum_element(ChecksumAlgorithm algorithm);
/// Of the raw value: 4, 4, 8, 20, 32.
std::size_t checksum_bytes(ChecksumAlgorithm algorithm) noexcept;
/// The CRCs: of a whole object they can be computed from those of its parts.
bool is_crc(ChecksumAlgorithm algorithm) noexcept;

/// A checksum fed piece by piece. Thread safety: one thread at a time.
class Checksum {
 public:
  explicit Checksum(ChecksumAlgorithm algorithm);

  void update(std::span<const std::byte> data);
  /// Raw, big-endian. The object may not be used afterwards.
  std::string finish();

 private:
  ChecksumAlgorithm algorithm_;
  std::variant<std::uint64_t, Digest> state_;
};

/// The CRC of A followed by B from those of A and B (raw, big-endian) and the length of B. Only for is_crc().
std::string combine_crc(ChecksumAlgorithm algorithm, std::string_view of_a, std::string_view of_b,
                        std::uint64_t length_of_b);

/// The checksum of checksums of a multipart object, base64 with "-N", from the parts' raw ones in order.
std::string composite_checksum(ChecksumAlgorithm algorithm, const std::vector<std::string>& parts);

}  // namespace s3link::s3
