#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link::s3 {

/// 3 to 63 of a-z 0-9 . -, beginning and ending with a letter or digit, no "..", ".-", "-.", no IPv4 address.
/// Source: Amazon S3 User Guide, "General purpose bucket naming rules". Nothing else is a bucket, so "/_/" is ours.
class BucketName {
 public:
  /// Errors: invalid_argument, code InvalidBucketName.
  static Result<BucketName> parse(std::string_view text);
  const std::string& text() const noexcept { return text_; }
  auto operator<=>(const BucketName&) const = default;

 private:
  explicit BucketName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// 1 to 1,024 bytes of UTF-8, decoded. A key is a name, not a path: "a/../b", "a//b" and "/" are keys like any other.
class ObjectKey {
 public:
  static constexpr std::size_t kMaxBytes = 1024;

  /// Errors: invalid_argument, code KeyTooLongError (over 1,024 bytes) or InvalidURI (empty, or not UTF-8).
  static Result<ObjectKey> parse(std::string_view text);
  const std::string& text() const noexcept { return text_; }
  auto operator<=>(const ObjectKey&) const = default;

 private:
  explicit ObjectKey(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace s3link::s3
