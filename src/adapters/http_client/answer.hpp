#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/base/result.hpp"
#include "ports/http_client.hpp"

namespace s3link::http_client {

/// Puts a response together from the bytes that come. Interim answers (1xx) are skipped and counted.
class Answer {
 public:
  static constexpr std::size_t kMaxBody = 8 * 1024 * 1024;

  /// `head_only`: the answer to HEAD, without a body.
  explicit Answer(bool head_only);
  ~Answer();

  /// Where the next bytes are to be read to.
  std::span<char> space();
  /// So many bytes were read there. Errors: invalid_argument (not HTTP, or over a bound).
  Status take(std::size_t count);
  /// The peer ended its side. Errors: transient (before the answer was complete).
  Status end();

  bool anything_came() const noexcept { return anything_; }
  /// "100 Continue" came.
  bool continues() const noexcept { return continues_; }
  /// The final status is known.
  bool head_done() const;
  bool done() const;
  /// The connection may be used again: the peer agrees, and sent nothing beyond the answer.
  bool reusable() const;
  /// Once done().
  ports::HttpClientResponse release();

 private:
  struct Parser;
  Status parse();

  bool head_only_;
  bool anything_ = false;
  bool continues_ = false;
  unsigned interim_ = 0;
  std::unique_ptr<Parser> parser_;
};

}  // namespace s3link::http_client
