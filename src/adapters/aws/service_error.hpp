#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "ports/http_client.hpp"

namespace s3link::aws {

/// What an answer that is no success says of itself.
struct ServiceError {
  std::string code;     ///< "ThrottlingException"; empty: no error document of AWS
  std::string message;  ///< AWS's words as they came: not to be shown before clean_message()
};

/// The code from x-amzn-ErrorType, else "__type" or "code" of a JSON document, or <Code> of an <Error>; without "ns#"
/// before it and ":http…" behind it.
/// Sources: Smithy "AWS restJson1", "AWS JSON 1.0", Operation error serialization; Amazon S3 API Reference, "Error
/// responses".
ServiceError read_service_error(const ports::HttpClientResponse& answer);

/// Too many requests: wait longer than for other failures. Source: AWS SDKs and Tools Reference Guide, "Retry
/// behavior".
bool is_throttle(unsigned status, std::string_view code) noexcept;

/// The limit of a day is reached: an error like throttling, but not one that passes while somebody waits.
/// Source: Amazon SES Developer Guide, "Errors related to the sending quotas".
bool is_daily_quota(std::string_view message) noexcept;

/// A signature made at another time than AWS believes it is, or one that may be.
bool may_be_clock_error(std::string_view code) noexcept;

/// As CallFailure::error has it.
ErrorKind kind_of(unsigned status, std::string_view code) noexcept;

/// A message that may be logged: in one line, well-formed UTF-8, at most kMaxMessageBytes. It ends where it would go on
/// to what nobody may read: one of `secrets`, a presigned URL's query, or the canonical request that AWS holds against
/// a wrong signature, session token included.
std::string clean_message(std::string_view text, std::span<const std::string_view> secrets);
inline constexpr std::size_t kMaxMessageBytes = 1'000;

}  // namespace s3link::aws
