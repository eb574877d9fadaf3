#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"

namespace s3link::s3 {

/// One request as an access log tells it; a text that is empty, or a number that is absent, is not known and becomes a
/// dash. Texts are as the client sent them: access_log_line() makes them harmless.
struct AccessLogRecord {
  std::string_view bucket_owner;
  std::string_view bucket;
  Instant time;  ///< when the request was received
  std::string_view remote_ip;
  std::string_view requester;
  std::string_view request_id;
  std::string_view operation;  ///< "REST.PUT.OBJECT"
  std::string_view key;        ///< decoded
  std::string_view method;
  std::string_view target;  ///< path and query, as sent
  unsigned status = 0;      ///< 0: the client was gone before it was answered
  std::string_view error_code;
  std::uint64_t bytes_sent = 0;
  std::optional<std::uint64_t> object_size;
  std::chrono::milliseconds total{};
  std::optional<std::chrono::milliseconds> turn_around;
  std::string_view referer;
  std::string_view user_agent;
  std::string_view version_id;
  std::string_view host_id;
  std::string_view signature_version;  ///< "SigV4"
  std::string_view cipher_suite;
  std::string_view authentication_type;  ///< "AuthHeader" or "QueryString"
  std::string_view host;
  std::string_view tls_version;
  std::string_view region;  ///< the source region
};

/// The record in the S3 server access log format: 27 fields in one line of printable ASCII, without the line end.
/// Source: Amazon S3 User Guide, "Amazon S3 server access log format" (26 fields, and the source region that was added
/// to them).
///
/// The key is URL-encoded twice, as S3 does. In Request-URI and Referer the values of signatures and security
/// tokens are replaced by "-". What would break a field (a quote, a blank outside of quotes, control characters,
/// anything not ASCII) stands as %XX, so that the patterns published for such logs read every line. A text that is too
/// long is cut and ends with "...": a line has at most 16 KiB, whatever the client sent.
std::string access_log_line(const AccessLogRecord& record);

/// The Operation field of a request, from what can be seen of it, so that a refused one has its name, too:
/// "REST.GET.OBJECT", "REST.POST.UPLOADS". `target` as sent.
std::string access_log_operation(std::string_view method, std::string_view target, bool has_key);

/// A URL, or a part of one, without the values of its query that would let the reader act as its sender. Names are
/// compared as the server reads them: decoded, ignoring case.
std::string without_secrets(std::string_view url);

/// "_access_logs2026-01-02-03-04-05-0123456789ABCDEF". `id`: 16 upper-case hexadecimal digits.
/// Source: Amazon S3 User Guide, "Logging requests with server access logging", "Log object key format".
std::string access_log_key(Instant when, std::string_view id);

}  // namespace s3link::s3
