#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/trace/trace_context.hpp"
#include "ports/http_handler.hpp"

namespace s3link::server {

/// What one request came to.
struct RequestRecord {
  Instant received;
  std::chrono::microseconds total{};  ///< from its head to the last byte of the answer handed to the socket
  std::optional<std::chrono::microseconds> turn_around;  ///< from its last byte read to the head of the answer
  std::string request_id;
  std::string host_id;
  std::string_view operation;  ///< S3's name: "PutObject"; a path of ours: "/_/readyz"; empty: not known. Constant
  std::string bucket;          ///< empty: none, or not known
  std::string key;             ///< decoded; empty: none, or not known
  std::string requester;       ///< the access key id; empty: not authenticated
  bool presigned = false;
  unsigned status = 0;                       ///< 0: the client was gone before it was answered
  std::string error_code;                    ///< S3's: "NoSuchKey"; empty: none
  std::string failure;                       ///< of ours, which the client is not told: "no space left"; empty: none
  std::uint64_t bytes_received = 0;          ///< of the body, HTTP chunking removed
  std::uint64_t bytes_sent = 0;              ///< of the body
  std::optional<std::uint64_t> object_size;  ///< of the object read or written
  trace::TraceContext trace;                 ///< it belongs to; the parent is the caller's
  trace::SegmentId segment;                  ///< the request's own
};

/// Told of every request when it is over. Must outlive the API. Thread safety: any number of calls at a time.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;

  /// Returns at once and never throws: the connection waits for it.
  virtual void finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept = 0;
};

}  // namespace s3link::server
