#include "services/lambda/sweep.hpp"

#include <exception>
#include <utility>

#include "core/delivery/decision.hpp"
#include "services/lambda/at_once.hpp"

namespace s3link::lambda {
namespace {

using ports::LogLevel;

}  // namespace

Awaitable<void> Sweep::run(const Run& run, Tally& tally, std::vector<trace::Segment>& segments,
                           trace::Segment& segment) {
  if (settings_.bucket.empty()) {
    tally.add_failure({kSweepFailed, "there is no bucket to list: set FileExchangeBucketName"});
    co_return;
  }
  const auto saved = co_await ports_.ledger->sweep_cursor(run.work_until, segment);
  if (!saved) {
    tally.add_failure({kSweepFailed, "the place to go on from cannot be read: " + saved.error().message});
    co_return;
  }
  std::string cursor = *saved;
  for (std::size_t pages = 0; pages < kMaxPages && run.has_time_for_a_mail(ports_.clock.now()); ++pages) {
    const auto page = co_await ports_.listing.list(settings_.bucket, cursor, run.send_until, segment);
    if (!page) {
      if (is_refusal_of_credentials(page.error())) ports_.link_credentials.refused();
      tally.add_failure({kSweepFailed, settings_.bucket + ": cannot be listed: " + page.error().message});
      break;
    }
    const std::size_t handled = co_await handle_page(page->objects, run, tally, segments);
    if (handled < page->objects.size()) {
      if (handled > 0) cursor = page->objects[handled - 1].key;
      break;
    }
    cursor = page->next;
    if (cursor.empty()) break;
  }
  if (cursor == *saved) co_return;
  const auto kept = co_await ports_.ledger->save_sweep_cursor(cursor, run.work_until, segment);
  if (!kept) tally.add_failure({kSweepFailed, "the place reached cannot be kept: " + kept.error().message});
}

/// Returns how many objects from the first on were handled.
Awaitable<std::size_t> Sweep::handle_page(const std::vector<ports::ListedObject>& objects, const Run& run, Tally& tally,
                                          std::vector<trace::Segment>& segments) {
  const Instant listed = ports_.clock.now();
  std::vector<Look> looks(objects.size());
  co_await for_each_at_once(objects.size(), [&](std::size_t i) { return look(objects[i], listed, run, looks[i]); });
  std::size_t handled = objects.size();
  for (std::size_t i = looks.size(); i-- > 0;) {
    if (looks[i].out_of_time) handled = i;
  }
  for (Look& look : looks) {
    if (!look.mailed && !look.outcome.failure) continue;
    if (look.outcome.delivered > 0) tally.add_swept();
    tally.add(std::move(look.outcome));
    segments.push_back(std::move(look.segment));
  }
  co_return handled;
}

Awaitable<void> Sweep::look(const ports::ListedObject& object, Instant listed, const Run& run, Look& out) {
  if (object.modified > listed - kMinAge) co_return;
  if (object.key.ends_with('/') && object.size_bytes == 0) co_return;  // a folder marker, as in event::drop_rule
  const Upload upload{.bucket = settings_.bucket,
                      .key = object.key,
                      .version = object.etag,
                      .sequencer = {},
                      .size_bytes = object.size_bytes,
                      .created = object.modified,
                      .seen = listed};
  out.segment.start = ports_.clock.now();
  try {
    co_await mail_if_unknown(upload, run, out);
  } catch (const std::exception& e) {
    fail(upload, run, kInternalError, e.what(), out);
  }
}

Awaitable<void> Sweep::mail_if_unknown(const Upload& upload, const Run& run, Look& out) {
  std::vector<mail::Address> recipients;
  for (const mail::Address& recipient : settings_.recipients) {
    if (!run.has_time_for_a_mail(ports_.clock.now())) {
      out.out_of_time = true;
      co_return;
    }
    const auto known =
        co_await ports_.ledger->knows(claim_key(upload, recipient), upload.created, run.send_until, out.segment);
    if (!known) {
      fail(upload, run, kLedgerError, known.error().message, out);
      co_return;
    }
    if (!*known) recipients.push_back(recipient);
  }
  if (recipients.empty()) co_return;
  if (!delivery::is_linkable(upload.key)) {
    // Its event, if there was one, is in the dead-letter queue for that; each further sweep would only add to it.
    ports_.logger.log(LogLevel::warning, "object passed over by the sweep",
                      run.fields({{"bucket", upload.bucket}, {"key", upload.key}, {"outcome", kUnlinkableKey}}));
    co_return;
  }
  out.mailed = true;
  out.outcome = co_await mailer_.deliver(upload, recipients, run, out.segment);
  if (!out.outcome.failure) co_return;
  out.out_of_time = out.outcome.failure->type == kOutOfTime;
  // Whoever is at it will end it, and what there was no time for is where the next run goes on.
  if (out.out_of_time || out.outcome.failure->type == kInProgress) out.outcome.failure.reset();
}

void Sweep::fail(const Upload& upload, const Run& run, const char* type, const std::string& what, Look& out) {
  ports_.logger.log(LogLevel::error, "record failed",
                    run.fields({{"bucket", upload.bucket}, {"key", upload.key}, {"outcome", type}, {"detail", what}}));
  out.outcome.failure = failure_of(upload, type, what);
  begin_segment(out.segment, upload, ports_.clock.now());
  end_segment(out.segment, out.outcome.failure, ports_.clock.now());
}

}  // namespace s3link::lambda
