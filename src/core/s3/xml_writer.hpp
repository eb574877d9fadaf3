#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace s3link::s3 {

/// Writes one of S3's documents: declaration, root element, elements in the order they are added. Text is escaped;
/// control characters become character references, as S3 writes them (XML 1.0 has no other way, and clients cope).
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

  /// Bytes so far: to bound a document.
  std::size_t size() const noexcept { return out_.size(); }
  /// The document, all elements closed. The object may not be used afterwards.
  std::string finish();

 private:
  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace s3link::s3
