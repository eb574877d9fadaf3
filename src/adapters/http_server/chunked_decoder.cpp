#include "adapters/http_server/chunked_decoder.hpp"

#include <algorithm>
#include <cassert>

namespace s3link::http_server {

namespace {

std::unexpected<Error> malformed(const char* message) {
  return fail(ErrorKind::invalid_argument, message, "InvalidRequest");
}

// The value of a hexadecimal digit, or 16.
unsigned hex_value(char character) {
  if (character >= '0' && character <= '9') return static_cast<unsigned>(character - '0');
  if (character >= 'a' && character <= 'f') return static_cast<unsigned>(character - 'a') + 10;
  if (character >= 'A' && character <= 'F') return static_cast<unsigned>(character - 'A') + 10;
  return 16;
}

// What may stand in an extension or a trailer field: anything but controls.
bool is_text(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return (byte >= 0x20 && byte != 0x7F) || byte == '\t';
}

}  // namespace

Result<std::size_t> ChunkedDecoder::skip_framing(std::string_view in) {
  std::size_t used = 0;
  while (used < in.size() && state_ != State::data && state_ != State::done) {
    if (const auto status = step(in[used]); !status) return std::unexpected(status.error());
    ++used;
  }
  return used;
}

void ChunkedDecoder::take_data(std::uint64_t count) noexcept {
  assert(state_ == State::data && count <= left_);
  left_ -= count;
  extensions_ -= static_cast<std::size_t>(std::min<std::uint64_t>(extensions_, count));
  if (left_ == 0) state_ = State::data_cr;
}

Status ChunkedDecoder::step(char character) {
  switch (state_) {
    case State::size: {
      if (++line_ > kMaxSizeLine) return malformed("A chunk's size line is too long.");
      if (const unsigned value = hex_value(character); value < 16) {
        if (left_ >> 60 != 0) return malformed("A chunk's size is too large.");
        left_ = left_ << 4 | value;
        ++digits_;
        return {};
      }
      if (digits_ == 0) return malformed("A chunk's size is missing.");
      if (character == '\r') {
        state_ = State::size_end;
      } else if (character == ';' || character == ' ' || character == '\t') {
        state_ = State::extension;
      } else {
        return malformed("A chunk's size is not a hexadecimal number.");
      }
      return {};
    }
    case State::extension:
      if (++line_ > kMaxSizeLine || ++extensions_ > kMaxExtensions) return malformed("Chunk extensions are too long.");
      if (character == '\r') {
        state_ = State::size_end;
      } else if (!is_text(character)) {
        return malformed("A chunk extension holds a control character.");
      }
      return {};
    case State::size_end:
      if (character != '\n') return malformed("A chunk's size line does not end in CR LF.");
      state_ = left_ == 0 ? State::trailer_start : State::data;
      line_ = 0;
      digits_ = 0;
      return {};
    case State::data_cr:
      if (character != '\r') return malformed("A chunk is longer than its size.");
      state_ = State::data_lf;
      return {};
    case State::data_lf:
      if (character != '\n') return malformed("A chunk does not end in CR LF.");
      state_ = State::size;
      return {};
    case State::trailer_start:
      if (character == '\r') {
        state_ = State::last_lf;
        return {};
      }
      if (character == ' ' || character == '\t') return malformed("Trailer fields may not be folded.");
      state_ = State::trailer;
      [[fallthrough]];
    case State::trailer:
      if (++trailers_ > kMaxTrailers) return malformed("Trailer fields are too long.");
      if (character == '\r') {
        state_ = State::trailer_end;
      } else if (!is_text(character)) {
        return malformed("A trailer field holds a control character.");
      }
      return {};
    case State::trailer_end:
      if (character != '\n') return malformed("A trailer field does not end in CR LF.");
      state_ = State::trailer_start;
      return {};
    case State::last_lf:
      if (character != '\n') return malformed("The body does not end in CR LF.");
      state_ = State::done;
      return {};
    case State::data:
    case State::done:
      break;
  }
  return {};
}

}  // namespace s3link::http_server
