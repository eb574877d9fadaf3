#include "services/lambda/link_function.hpp"

#include <array>
#include <exception>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/event/event_record.hpp"
#include "core/event/notification_rule.hpp"
#include "core/trace/trace_context.hpp"
#include "services/lambda/at_once.hpp"
#include "services/lambda/run.hpp"
#include "services/lambda/sweep.hpp"
#include "services/lambda/tally.hpp"
#include "services/lambda/upload_mailer.hpp"

namespace s3link::lambda {
namespace {

using ports::LogLevel;

/// Lambda User Guide, "Lambda quotas": the largest payload of an invocation.
constexpr std::size_t kMaxPayloadBytes = std::size_t{6} * 1024 * 1024;

Upload upload_of(event::EventRecord record) {
  return {.bucket = std::move(record.bucket),
          .key = std::move(record.key),
          .version = record.etag.empty() ? std::move(record.version_id) : std::move(record.etag),
          .sequencer = std::move(record.sequencer),
          .size_bytes = record.size_bytes,
          .created = record.time,
          .seen = record.time};
}

/// What a record has in common with its repetition, and with no other.
using Identity = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view, Instant>;

/// Refers to the upload.
Identity identity_of(const Upload& upload) {
  return {upload.bucket, upload.key, upload.version, upload.sequencer,
          upload.sequencer.empty() ? upload.created : Instant{}};
}

/// Which uploads are to be mailed one after the other, in their order: those of the same bytes. Their claims differ by
/// the sequencer alone, and the ledger remembers the one that was recorded last.
std::vector<std::vector<std::size_t>> turns_of(const std::vector<Upload>& uploads) {
  std::vector<std::vector<std::size_t>> out;
  std::map<std::array<std::string_view, 3>, std::size_t> places;
  for (std::size_t i = 0; i < uploads.size(); ++i) {
    const Upload& upload = uploads[i];
    const auto [place, is_first] = places.try_emplace({upload.bucket, upload.key, upload.version}, out.size());
    if (is_first) out.emplace_back();
    out[place->second].push_back(i);
  }
  return out;
}

}  // namespace

class LinkFunction::Impl {
 public:
  Impl(FunctionSettings settings, FunctionPorts ports)
      : settings_(std::move(settings)), ports_(ports), mailer_(settings_, ports_), sweep_(settings_, ports_, mailer_) {}

  Awaitable<std::expected<std::string, ports::InvocationError>> handle(ports::Invocation invocation) {
    const Instant begin = ports_.clock.now();
    const auto context = trace::parse_xray_header(invocation.trace_header, false);
    const Run run(std::move(invocation.request_id), context ? trace::xray_text(context->trace) : std::string(),
                  invocation.deadline);
    Tally tally;
    std::vector<trace::Segment> segments;
    try {
      co_await work(invocation.payload, run, tally, segments);
    } catch (const std::exception& e) {
      tally.add_failure({kInternalError, e.what()});
    }
    if (context) {
      for (const trace::Segment& segment : segments) ports_.traces.emit(*context, segment);
    }
    report(run, tally, ports_.clock.now() - begin);
    if (tally.failed()) co_return std::unexpected(tally.error());
    co_return tally.answer();
  }

 private:
  Awaitable<void> work(const std::string& payload, const Run& run, Tally& tally,
                       std::vector<trace::Segment>& segments) {
    trace::Segment parsing;
    parsing.name = "parse";
    parsing.start = ports_.clock.now();
    auto notification = event::parse_notification_parts(payload, kMaxPayloadBytes);
    const bool schedule = !notification && event::is_schedule_event(payload);
    std::vector<event::EventRecord> records;
    if (notification) {
      records = take_readable(std::move(notification->records), run, tally, parsing);
    } else if (!schedule) {
      note_invalid(parsing, notification.error());
      tally.add_failure(
          {kInvalidEvent, "neither an S3 notification nor the event of a schedule: " + notification.error().message});
    }
    parsing.end = ports_.clock.now();
    segments.push_back(std::move(parsing));
    if (schedule) {
      co_await sweep(run, tally, segments);
    } else if (notification && notification->is_test_event) {
      drop(run, "test_event", "S3 sends it when a notification is configured", {}, tally);
    } else {
      co_await mail_all(std::move(records), run, tally, segments);
    }
  }

  static void note_invalid(trace::Segment& parsing, const Error& error) {
    parsing.error = true;
    if (!parsing.cause) parsing.cause = trace::Cause{.type = kInvalidEvent, .message = error.message};
  }

  std::vector<event::EventRecord> take_readable(std::vector<Result<event::EventRecord>> parts, const Run& run,
                                                Tally& tally, trace::Segment& parsing) {
    std::vector<event::EventRecord> out;
    out.reserve(parts.size());
    for (auto& part : parts) {
      if (part) {
        out.push_back(std::move(*part));
        continue;
      }
      note_invalid(parsing, part.error());
      ports_.logger.log(LogLevel::error, "record failed",
                        run.fields({{"outcome", kInvalidEvent}, {"detail", part.error().message}}));
      RecordOutcome outcome;
      outcome.failure = Failure{kInvalidEvent, "not of an S3 notification: " + part.error().message};
      tally.add(std::move(outcome));
    }
    return out;
  }

  /// The uploads of one event, and where what becomes of each is put.
  struct Batch {
    std::span<const Upload> uploads;
    const Run& run;
    std::span<RecordOutcome> outcomes;
    std::span<trace::Segment> segments;
  };

  Awaitable<void> mail_all(std::vector<event::EventRecord> records, const Run& run, Tally& tally,
                           std::vector<trace::Segment>& segments) {
    std::vector<Upload> uploads;
    uploads.reserve(records.size());  // so that what `known` looks at stays where it is
    std::set<Identity> known;         // a record that is there twice is mailed once, ledger or not
    for (event::EventRecord& record : records) {
      if (const auto rule = event::drop_rule(record)) {
        drop(run, rule->name, rule->text, {{"bucket", record.bucket}, {"key", record.key}}, tally);
        continue;
      }
      const Upload& upload = uploads.emplace_back(upload_of(std::move(record)));
      if (records.size() == 1 || known.insert(identity_of(upload)).second) continue;
      ports_.logger.log(LogLevel::info, "record repeated in its event",
                        run.fields({{"bucket", upload.bucket}, {"key", upload.key}, {"outcome", "duplicate"}}));
      tally.add({.duplicates = settings_.recipients.size(), .failure = {}});
      uploads.pop_back();
    }

    const std::size_t first = segments.size();
    segments.resize(first + uploads.size());
    std::vector<RecordOutcome> outcomes(uploads.size());
    const Batch batch{
        .uploads = uploads, .run = run, .outcomes = outcomes, .segments = std::span(segments).subspan(first)};
    const auto turns = turns_of(uploads);
    co_await for_each_at_once(turns.size(), [&](std::size_t i) { return mail_in_turn(turns[i], batch); });
    for (RecordOutcome& outcome : outcomes) tally.add(std::move(outcome));
  }

  /// Everything passed by reference must outlive the awaitable.
  Awaitable<void> mail_in_turn(const std::vector<std::size_t>& turn, const Batch& batch) {
    for (const std::size_t i : turn) {
      batch.outcomes[i] =
          co_await mailer_.deliver(batch.uploads[i], settings_.recipients, batch.run, batch.segments[i]);
    }
  }

  Awaitable<void> sweep(const Run& run, Tally& tally, std::vector<trace::Segment>& segments) {
    if (ports_.ledger == nullptr) {
      tally.add_failure({kSweepNeedsLedger,
                         "without a ledger a sweep would mail every object again: configure a "
                         "ledger, or remove the schedule"});
      co_return;
    }
    trace::Segment segment;
    segment.name = "sweep";
    segment.start = ports_.clock.now();
    co_await sweep_.run(run, tally, segments, segment);
    segment.end = ports_.clock.now();
    segment.fault = tally.failed();
    segments.push_back(std::move(segment));
  }

  void drop(const Run& run, const std::string& rule, const std::string& why, std::vector<ports::LogField> about,
            Tally& tally) {
    about.insert(about.end(), {{"outcome", "dropped"}, {"rule", rule}, {"detail", why}});
    ports_.logger.log(LogLevel::info, "record dropped", run.fields(std::move(about)));
    tally.add({.dropped = true, .failure = {}});
  }

  void report(const Run& run, const Tally& tally, std::chrono::milliseconds duration) {
    auto metrics = tally.metrics();
    std::vector<ports::LogField> fields;
    fields.reserve(metrics.size() + 4);
    for (const ports::Metric& metric : metrics) {
      fields.push_back({to_lower(metric.name), std::to_string(static_cast<std::uint64_t>(metric.value))});
    }
    if (tally.swept() > 0) fields.push_back({"swept", std::to_string(tally.swept())});
    fields.push_back({"duration_ms", std::to_string(duration.count())});
    if (tally.failed()) {
      const auto error = tally.error();
      fields.push_back({"outcome", error.type});
      fields.push_back({"detail", error.message});
    } else {
      fields.push_back({"outcome", "done"});
    }
    ports_.logger.log(tally.failed() ? LogLevel::error : LogLevel::info, "invocation ended",
                      run.fields(std::move(fields)));
    metrics.push_back({.name = "Duration", .unit = "Milliseconds", .value = static_cast<double>(duration.count())});
    ports_.metrics.record(metrics, {{"request_id", run.request_id}});
  }

  const FunctionSettings settings_;
  const FunctionPorts ports_;
  UploadMailer mailer_;
  Sweep sweep_;
};

LinkFunction::LinkFunction(FunctionSettings settings, FunctionPorts ports)
    : impl_(std::make_unique<Impl>(std::move(settings), ports)) {}

LinkFunction::~LinkFunction() = default;

Awaitable<std::expected<std::string, ports::InvocationError>> LinkFunction::handle(ports::Invocation invocation) {
  return impl_->handle(std::move(invocation));
}

}  // namespace s3link::lambda
