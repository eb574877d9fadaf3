#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "ports/invocation_handler.hpp"
#include "ports/metric_sink.hpp"

namespace s3link::lambda {

/// Why a record failed: one of the types LinkFunction lists, and a sentence. No secret.
struct Failure {
  std::string type;
  std::string message;
  bool operator==(const Failure&) const = default;
};

inline constexpr const char* kInvalidEvent = "s3link.InvalidEvent";
inline constexpr const char* kUnlinkableKey = "s3link.UnlinkableKey";
inline constexpr const char* kInProgress = "s3link.InProgress";
inline constexpr const char* kOutOfTime = "s3link.OutOfTime";
inline constexpr const char* kMailRefused = "s3link.MailRefused";
inline constexpr const char* kMailFailed = "s3link.MailFailed";
inline constexpr const char* kMailMaybeSent = "s3link.MailMaybeSent";
inline constexpr const char* kCredentialsError = "s3link.CredentialsError";
inline constexpr const char* kLedgerError = "s3link.LedgerError";
inline constexpr const char* kSweepNeedsLedger = "s3link.SweepNeedsLedger";
inline constexpr const char* kSweepFailed = "s3link.SweepFailed";
inline constexpr const char* kInternalError = "s3link.InternalError";

/// What became of one record: of its mails, one to each recipient.
struct RecordOutcome {
  std::size_t delivered = 0;
  std::size_t duplicates = 0;
  bool dropped = false;
  std::optional<Failure> failure;  ///< of the first mail that failed
};

/// Adds up the records of an invocation.
class Tally {
 public:
  static constexpr std::size_t kMaxReasons = 3;
  static constexpr std::size_t kMaxReasonCharacters = 400;

  void add(RecordOutcome outcome);
  /// What failed is no record.
  void add_failure(Failure failure);
  void add_swept() { ++swept_; }
  std::size_t swept() const noexcept { return swept_; }

  bool failed() const noexcept { return failed_ > 0; }
  /// {"delivered":n,"dropped":n,"duplicates":n,"swept":n}
  std::string answer() const;
  /// The type of the first failure; how many of how many failed, and the first reasons. Only after failed().
  ports::InvocationError error() const;
  /// Delivered and Duplicate count mails, Dropped records, Failed records and whatever else failed.
  std::vector<ports::Metric> metrics() const;

 private:
  std::size_t records_ = 0;
  std::size_t delivered_ = 0;
  std::size_t dropped_ = 0;
  std::size_t duplicates_ = 0;
  std::size_t swept_ = 0;
  std::size_t failed_ = 0;
  std::size_t failed_records_ = 0;
  std::vector<Failure> reasons_;  // the first
};

/// How the failure of a mail is classed: refused for good, or worth a retry.
const char* mail_failure_type(const Error& error, bool maybe_sent) noexcept;

/// Whether the error code says that the credentials were refused, so that they are worth reading again.
/// Source: Amazon SES API v2 and Amazon S3 API Reference, "Common Errors" and "Error responses".
bool is_refusal_of_credentials(const Error& error) noexcept;

}  // namespace s3link::lambda
