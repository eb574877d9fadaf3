#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/instant.hpp"
#include "core/mail/address.hpp"
#include "core/sigv4/credentials.hpp"
#include "core/trace/segment.hpp"
#include "ports/awaitable.hpp"
#include "services/lambda/link_function.hpp"
#include "services/lambda/run.hpp"
#include "services/lambda/tally.hpp"
#include "services/link/link_generator.hpp"

namespace s3link::lambda {

/// One version of an object that somebody put into the bucket.
struct Upload {
  std::string bucket;
  std::string key;
  std::string version;    ///< its ETag: the one name that an event and a listing have in common
  std::string sequencer;  ///< empty where a listing found it
  std::uint64_t size_bytes = 0;
  Instant created;  ///< the event's time, or the listing's time of modification: when this version was new
  Instant seen;     ///< the last moment at which this version is known to have been the current one
};

ports::ClaimKey claim_key(const Upload& upload, const mail::Address& recipient);

/// "BUCKET/KEY: what", of a long key only the ends: an error document keeps no more than the beginning of a text.
Failure failure_of(const Upload& upload, const char* type, std::string_view what);

/// Names the segment after the upload; begins it now if it has not begun.
void begin_segment(trace::Segment& segment, const Upload& upload, Instant now);
/// Ends it, with what the upload failed of.
void end_segment(trace::Segment& segment, const std::optional<Failure>& failure, Instant now);

/// Mails the link to an upload: claim → send → record for each recipient. Thread safety: calls from one executor; any
/// number at a time.
class UploadMailer {
 public:
  /// Both must outlive it.
  UploadMailer(const FunctionSettings& settings, const FunctionPorts& ports);

  /// Never throws. Logs one line for each recipient, or one where none was reached. Fills `segment` (which may have
  /// begun), and hangs the calls made into it. Everything passed by reference must outlive the awaitable.
  Awaitable<RecordOutcome> deliver(const Upload& upload, std::span<const mail::Address> recipients, const Run& run,
                                   trace::Segment& segment);

 private:
  struct Signer {
    Signer(std::shared_ptr<const sigv4::Credentials> keys, const link::LinkSettings& settings)
        : credentials(std::move(keys)), links(settings, *credentials) {}
    std::shared_ptr<const sigv4::Credentials> credentials;
    link::LinkGenerator links;
  };
  struct Attempt;

  Awaitable<RecordOutcome> attempt(const Upload& upload, std::span<const mail::Address> recipients, const Run& run,
                                   trace::Segment& segment);
  Awaitable<Result<std::shared_ptr<const Signer>>> current_signer(const Run& run, trace::Segment& under);
  Awaitable<void> deliver_one(const Attempt& attempt, const mail::Address& recipient, RecordOutcome& outcome);
  Awaitable<void> release(const Attempt& attempt, ports::ClaimKey key);
  Awaitable<Status> record(const Attempt& attempt, ports::ClaimKey key, std::string message_id);
  ports::TemplateMail compose(const Attempt& attempt, const ports::ClaimKey& key, const mail::Address& recipient);
  void log(ports::LogLevel level, const char* message, const Run& run, const Upload& upload,
           std::vector<ports::LogField> more);

  const FunctionSettings& settings_;
  const FunctionPorts& ports_;
  const link::LinkSettings link_settings_;
  const std::string sender_name_;
  std::shared_ptr<const Signer> signer_;  // of the credentials last used; lives on between invocations
};

}  // namespace s3link::lambda
