#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "ports/http_handler.hpp"

namespace s3link::http_server {

/// Why a request is answered by the server itself, and how.
struct Refusal {
  unsigned status = 400;
  std::string_view code;  ///< of the S3 error document: "InvalidRequest"
  std::string message;
};

/// How the body of a request is delimited, and what the head says about the connection.
struct Framing {
  bool chunked = false;
  std::uint64_t content_length = 0;  ///< 0 when chunked
  bool keep_alive = true;
  /// An empty body counts: botocore mistakes the answer after one that came without a 100 on the same connection.
  bool expects_continue = false;
};

struct ParsedHead {
  ports::HttpRequestHead head;  ///< remote_address, secure and tls_* are left for the connection to fill
  Framing framing;
};

/// Finds the end of a head that comes in pieces; looks at each byte once.
class HeadScanner {
 public:
  enum class State { incomplete, complete, malformed /* a line that does not end in CR LF */ };

  /// `data` begins where the head does and is at least as long as in the call before.
  State scan(std::string_view data);
  /// Bytes of the head with its empty line, once complete.
  std::size_t size() const noexcept { return position_; }

 private:
  std::size_t position_ = 0;  // looked at so far
  std::size_t line_ = 0;      // where the current line begins
};

/// Reads a whole head, from the request line to the empty line. Strict where leniency lets two servers disagree about
/// where a request ends (RFC 9112 §6.3, §11.2): Content-Length once and in digits only, never beside Transfer-Encoding;
/// no line folding; no bare CR or LF; exactly one Host in HTTP/1.1.
/// A target in absolute form becomes origin form, where it names the same host.
std::expected<ParsedHead, Refusal> parse_head(std::string_view head);

}  // namespace s3link::http_server
