#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace s3link::s3 {

/// Bytes first .. first + length - 1 of a body; length is at least 1.
struct ByteSpan {
  std::uint64_t first = 0;
  std::uint64_t length = 0;

  bool operator==(const ByteSpan&) const = default;
};

/// The Range field with one range: bytes=0-499, bytes=500-, bytes=-500. Source: RFC 9110 §14.1.2.
class ByteRange {
 public:
  /// Empty for anything else, several ranges too: such a field is ignored, as S3 does.
  static std::optional<ByteRange> parse(std::string_view field);

  /// The part of a body of that size. Empty: not satisfiable.
  std::optional<ByteSpan> resolve(std::uint64_t size_bytes) const noexcept;

 private:
  ByteRange(std::optional<std::uint64_t> first, std::optional<std::uint64_t> last) : first_(first), last_(last) {}

  std::optional<std::uint64_t> first_;  ///< empty: last_ counts from the end
  std::optional<std::uint64_t> last_;   ///< empty: to the end
};

}  // namespace s3link::s3
