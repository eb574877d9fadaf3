#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace s3link {

/// What the caller can do about a failure; the message is for a person.
enum class ErrorKind {
  invalid_argument,  ///< the input is wrong; repeating it is useless
  not_found,         ///< the thing named does not exist
  conflict,          ///< the state of the thing forbids it (exists already, not empty, precondition failed)
  denied,            ///< refused for good: not authenticated, not allowed, a 5yz reply
  transient,         ///< may succeed later: timeout, busy, out of space, a 4yz reply
  corrupt,           ///< stored bytes are not what was written
  internal,          ///< a bug or an unexpected failure of the system
};

/// The kind's name as above, for logs and tables.
std::string_view to_string(ErrorKind kind) noexcept;

/// An expected failure. Its texts never hold a secret.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  /// The protocol's own word where one fits, e.g. the S3 error code "NoSuchKey"; else empty.
  std::string code;

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

/// `return fail(ErrorKind::not_found, "no such upload", "NoSuchUpload");`
[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, std::string message, std::string code = {}) {
  return std::unexpected(Error{kind, std::move(message), std::move(code)});
}

}  // namespace s3link
