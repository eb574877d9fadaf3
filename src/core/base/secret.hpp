#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace s3link {

/// A key, password, token or presigned URL: cannot be printed, compared or copied by accident, and is wiped on
/// destruction. Logs name what it belongs to instead.
class Secret {
 public:
  Secret() = default;
  /// Takes the text and wipes the source.
  explicit Secret(std::string&& text);
  Secret(Secret&&) noexcept = default;  // a vector, not a string: moving a short string leaves its bytes behind
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  /// A second copy, made on purpose.
  Secret clone() const;
  /// The bytes; valid while this lives. Do not log.
  std::string_view reveal() const noexcept { return {bytes_.data(), bytes_.size()}; }
  bool empty() const noexcept { return bytes_.empty(); }

  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  void wipe() noexcept;
  std::vector<char> bytes_;
};

/// Equal, in a time that depends on the lengths only.
bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

}  // namespace s3link
