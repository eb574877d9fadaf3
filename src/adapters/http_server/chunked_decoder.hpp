#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link::http_server {

/// Takes the framing of Transfer-Encoding: chunked apart (RFC 9112 §7.1); the data itself does not pass through here.
///
/// The caller alternates: skip_framing() until data_left() is not 0 or done(), then takes up to data_left() bytes of
/// data from the stream and reports them with take_data(). Lines end in CR LF only; chunk extensions and trailer fields
/// are ignored and bounded.
class ChunkedDecoder {
 public:
  /// Bytes of one size line with its extensions, of all extensions of a body beyond what large chunks pay for, and of
  /// all trailer fields.
  static constexpr std::size_t kMaxSizeLine = 1024;
  static constexpr std::size_t kMaxExtensions = 16 * 1024;
  static constexpr std::size_t kMaxTrailers = 8 * 1024;

  /// Consumes framing from the front of `in` up to data, the end of the body, or the end of `in`; returns how much.
  /// Errors: invalid_argument (malformed or over a bound; nothing can follow).
  Result<std::size_t> skip_framing(std::string_view in);
  /// Bytes of data that come next in the stream.
  std::uint64_t data_left() const noexcept { return state_ == State::data ? left_ : 0; }
  /// `count` is at most data_left().
  void take_data(std::uint64_t count) noexcept;
  /// The empty line after the last chunk and the trailer fields has been consumed.
  bool done() const noexcept { return state_ == State::done; }

 private:
  enum class State {
    size,
    extension,
    size_end,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer,
    trailer_end,
    last_lf,
    done
  };

  Status step(char character);

  State state_ = State::size;
  std::uint64_t left_ = 0;
  unsigned digits_ = 0;
  std::size_t line_ = 0;        // bytes of the current size line
  std::size_t extensions_ = 0;  // bytes of extensions so far, less what the data paid for
  std::size_t trailers_ = 0;
};

}  // namespace s3link::http_server
