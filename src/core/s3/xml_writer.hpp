#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace s3link::s3 {

/// Writes one of S3's documents: declaration, root element, elements in the order they are added. Text is escaped. What
/// XML 1.0 cannot hold in any form (U+0000 to U+001F but for tab and line breaks, U+FFFE, U+FFFF; §2.2) becomes U+FFFD,
/// so that every answer can be read; lossy() tells of it.
class XmlWriter {
 public:
  /// The root with S3's namespace, or without one (error documents).
  enum class Namespace { s3, none };
  explicit XmlWriter(std::string_view root, Namespace space = Namespace::s3);

  /// `attributes`: as they stand in the tag, written by us.
  void open(std::string_view name, std::string_view attributes = {});
  void close();
  /// Text of the open element.
  void text(std::string_view value);
  void element(std::string_view name, std::string_view value);
  void element(std::string_view name, const char* value) { element(name, std::string_view(value)); }
  void element(std::string_view name, bool value) { element(name, std::string_view(value ? "true" : "false")); }
  template <std::unsigned_integral T>
  void element(std::string_view name, T value) {
    element(name, std::string_view(std::to_string(value)));
  }

  /// Some text could not be written as it is.
  bool lossy() const noexcept { return lossy_; }
  /// Bytes so far: to bound a document.
  std::size_t size() const noexcept { return out_.size(); }
  /// The document, all elements closed. The object may not be used afterwards.
  std::string finish();

 private:
  std::string out_;
  std::vector<std::string> open_;
  bool lossy_ = false;
};

}  // namespace s3link::s3
