#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace s3link::smtp {

/// A complete reply of a relay, RFC 5321 §4.2.
struct Reply {
  unsigned code = 0;
  std::string text;                     ///< "250 2.0.0 Ok: queued as 4F2A": a foreign_line() of at most 500 characters
  std::vector<std::string> lines = {};  ///< as they came, without code and line end; at most 200 of at most 4096 bytes

  bool positive() const noexcept { return code >= 200 && code <= 299; }
  bool transient() const noexcept { return code >= 400 && code <= 499; }
  bool permanent() const noexcept { return code >= 500 && code <= 599; }
};

/// Puts a relay's lines together and keeps the last complete reply that says something of the message: the goodbye
/// (221), which follows a refusal, and what is no reply line are passed over.
class ReplyReader {
 public:
  enum class Line { complete, unfinished, malformed };

  void clear();
  /// What the line was for the reply that it belongs to.
  Line read_line(std::string_view line);
  const std::optional<Reply>& last() const noexcept { return last_; }

 private:
  std::string text_;      ///< of the lines so far
  std::string enhanced_;  ///< "5.7.1 ", as the first of them has it
  std::vector<std::string> lines_;
  std::optional<Reply> last_;
};

}  // namespace s3link::smtp
