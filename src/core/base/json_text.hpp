#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace s3link {

/// Bytes of the well-formed UTF-8 sequence `text` begins with; 0 when it begins with none. `text` is not empty.
std::size_t utf8_sequence_length(std::string_view text) noexcept;

/// Appends `text` as a JSON string with its quotes (RFC 8259 §7): control characters, also U+007F to U+009F, which
/// terminals obey, are escaped, and a byte that is not UTF-8 becomes U+FFFD, so the result is always valid.
/// What comes after `max_characters` Unicode code points is left out.
void append_json_string(std::string& out, std::string_view text, std::size_t max_characters = std::string_view::npos);

/// The same as a value.
std::string json_string(std::string_view text, std::size_t max_characters = std::string_view::npos);

/// Writes one JSON object member by member onto the end of a text: '{' when made, '}' when destroyed. Names are written
/// as given; giving one twice is the caller's mistake. Thread safety: one thread at a time.
class JsonObject {
 public:
  /// `out` must outlive this.
  explicit JsonObject(std::string& out);
  ~JsonObject();
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  /// Begins a member; the caller appends its value, JSON, to what is returned.
  std::string& member(std::string_view name);
  void text(std::string_view name, std::string_view value, std::size_t max_characters = std::string_view::npos);
  /// A number or literal name that is JSON as it stands.
  void literal(std::string_view name, std::string_view json);

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace s3link
