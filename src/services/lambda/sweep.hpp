#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "core/trace/segment.hpp"
#include "ports/awaitable.hpp"
#include "services/lambda/link_function.hpp"
#include "services/lambda/run.hpp"
#include "services/lambda/tally.hpp"
#include "services/lambda/upload_mailer.hpp"

namespace s3link::lambda {

/// Looks for objects whose mails are not in the ledger: S3 can be late with an event, and Lambda's asynchronous queue
/// can drop one. Goes through the bucket in pages, from where the last run stopped; a run ends after kMaxPages, at the
/// end of the bucket, or when its time is over.
class Sweep {
 public:
  /// An object younger than this is left to its event.
  static constexpr std::chrono::minutes kMinAge{15};
  static constexpr std::size_t kMaxPages = 20;

  /// All must outlive it.
  Sweep(const FunctionSettings& settings, const FunctionPorts& ports, UploadMailer& mailer)
      : settings_(settings), ports_(ports), mailer_(mailer) {}

  /// Adds one segment for each object that was mailed, or failed, to `segments`; other calls hang into `segment`.
  /// Needs the ledger. Everything passed by reference must outlive the awaitable.
  Awaitable<void> run(const Run& run, Tally& tally, std::vector<trace::Segment>& segments, trace::Segment& segment);

 private:
  /// What became of one object of a page.
  struct Look {
    bool out_of_time = false;
    bool mailed = false;  ///< tried at least
    RecordOutcome outcome;
    trace::Segment segment;
  };

  Awaitable<std::size_t> handle_page(const std::vector<ports::ListedObject>& objects, const Run& run, Tally& tally,
                                     std::vector<trace::Segment>& segments);
  /// Never throws.
  Awaitable<void> look(const ports::ListedObject& object, Instant listed, const Run& run, Look& out);
  Awaitable<void> mail_if_unknown(const Upload& upload, const Run& run, Look& out);
  void fail(const Upload& upload, const Run& run, const char* type, const std::string& what, Look& out);

  const FunctionSettings& settings_;
  const FunctionPorts& ports_;
  UploadMailer& mailer_;
};

}  // namespace s3link::lambda
