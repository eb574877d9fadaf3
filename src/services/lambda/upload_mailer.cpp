#include "services/lambda/upload_mailer.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string_view>

#include "core/delivery/decision.hpp"
#include "core/delivery/lifecycle_rule.hpp"
#include "core/delivery/retry_policy.hpp"
#include "core/s3/names.hpp"
#include "services/lambda/link_mail.hpp"

namespace s3link::lambda {
namespace {

using ports::LogLevel;

constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kMaxPause{2'000};
/// After an object's removal no link to it is made, so what was mailed about it may be forgotten; removal can lag.
constexpr std::chrono::days kRemembered{1};

link::LinkSettings link_settings(const FunctionSettings& settings) {
  auto life = settings.link_expiration;
  if (settings.signer == SignerKind::role) life = std::min(life, kRoleLinkMax);
  return link::s3_links(settings.region, settings.s3_endpoint, life);
}

constexpr std::size_t kKeyEndBytes = 60;  // of a key that is too long for an error text

bool is_utf8_continuation(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// The key, or both its ends.
std::string short_key(const std::string& key) {
  if (key.size() <= 2 * kKeyEndBytes) return key;
  std::size_t front = kKeyEndBytes;
  while (front > 0 && is_utf8_continuation(key[front])) --front;
  std::size_t back = key.size() - kKeyEndBytes;
  while (back < key.size() && is_utf8_continuation(key[back])) ++back;
  return key.substr(0, front) + "…" + key.substr(back);
}

}  // namespace

/// What the recipients of one upload have in common.
struct UploadMailer::Attempt {
  const Upload& upload;
  const Run& run;
  const link::Link& link;
  Instant removed_at;
  trace::Segment& segment;
};

ports::ClaimKey claim_key(const Upload& upload, const mail::Address& recipient) {
  return {.bucket = upload.bucket,
          .key = upload.key,
          .version = upload.version,
          .recipient = recipient.text(),
          .sequencer = upload.sequencer,
          .seen = upload.seen,
          .modified = upload.sequencer.empty() ? upload.created : Instant{}};
}

Failure failure_of(const Upload& upload, const char* type, std::string_view what) {
  return {.type = type, .message = upload.bucket + "/" + short_key(upload.key) + ": " + std::string(what)};
}

void begin_segment(trace::Segment& segment, const Upload& upload, Instant now) {
  segment.name = "record";
  if (segment.start == Instant{}) segment.start = now;
  segment.metadata = {{"bucket", upload.bucket}, {"key", upload.key}};
}

void end_segment(trace::Segment& segment, const std::optional<Failure>& failure, Instant now) {
  segment.end = now;
  if (!failure) return;
  const std::string& type = failure->type;
  segment.fault = type == kInternalError || type == kMailFailed || type == kMailMaybeSent || type == kLedgerError;
  segment.error = !segment.fault;
  segment.cause = trace::Cause{.type = type, .message = failure->message};
}

UploadMailer::UploadMailer(const FunctionSettings& settings, const FunctionPorts& ports)
    : settings_(settings),
      ports_(ports),
      link_settings_(link_settings(settings)),
      sender_name_(sender_name(settings.sender)) {}

void UploadMailer::log(LogLevel level, const char* message, const Run& run, const Upload& upload,
                       std::vector<ports::LogField> more) {
  std::vector<ports::LogField> fields = {{"bucket", upload.bucket}, {"key", upload.key}};
  fields.reserve(fields.size() + more.size());
  for (auto& field : more) fields.push_back(std::move(field));
  ports_.logger.log(level, message, run.fields(std::move(fields)));
}

Awaitable<RecordOutcome> UploadMailer::deliver(const Upload& upload, std::span<const mail::Address> recipients,
                                               const Run& run, trace::Segment& segment) {
  begin_segment(segment, upload, ports_.clock.now());
  RecordOutcome outcome;
  try {
    outcome = co_await attempt(upload, recipients, run, segment);
  } catch (const std::exception& e) {
    outcome.failure = failure_of(upload, kInternalError, e.what());
    log(LogLevel::error, "record failed", run, upload, {{"outcome", kInternalError}, {"detail", e.what()}});
  }
  end_segment(segment, outcome.failure, ports_.clock.now());
  co_return outcome;
}

Awaitable<RecordOutcome> UploadMailer::attempt(const Upload& upload, std::span<const mail::Address> recipients,
                                               const Run& run, trace::Segment& segment) {
  RecordOutcome outcome;
  const auto fail_record = [&](const char* type, std::string what) {
    log(LogLevel::error, "record failed", run, upload, {{"outcome", type}, {"detail", what}});
    outcome.failure = failure_of(upload, type, what);
  };
  if (!delivery::is_linkable(upload.key)) {
    fail_record(kUnlinkableKey, "a browser changes the segments \".\" and \"..\" of a link, so it would not find it");
    co_return outcome;
  }
  if (!run.has_time_for_a_mail(ports_.clock.now())) {
    fail_record(kOutOfTime, "not begun, the rest of the time was too short");
    co_return outcome;
  }
  const auto bucket = s3::BucketName::parse(upload.bucket);
  const auto key = s3::ObjectKey::parse(upload.key);
  if (!bucket || !key) {
    fail_record(kInvalidEvent,
                bucket ? "s3.object.key: " + key.error().message : "s3.bucket.name: " + bucket.error().message);
    co_return outcome;
  }

  trace::Segment& signing = segment.children.emplace_back();
  signing.name = "sign";
  signing.start = ports_.clock.now();
  const auto signer = co_await current_signer(run, signing);
  const Instant removed_at = delivery::s3_removal(upload.created, settings_.object_ttl);
  const Instant now = ports_.clock.now();
  const auto link = signer ? (*signer)->links.make(*bucket, *key, removed_at, now) : std::unexpected(signer.error());
  signing.end = now;
  if (!signer) {
    signing.fault = true;
    fail_record(kCredentialsError, "no key pair to sign the link with: " + signer.error().message);
    co_return outcome;
  }
  if (!link) {
    log(LogLevel::warning, "record dropped", run, upload,
        {{"outcome", "dropped"}, {"rule", "object_gone"}, {"detail", link.error().message}});
    outcome.dropped = true;
    co_return outcome;
  }

  const Attempt common{.upload = upload, .run = run, .link = *link, .removed_at = removed_at, .segment = segment};
  for (const mail::Address& recipient : recipients) co_await deliver_one(common, recipient, outcome);
  co_return outcome;
}

Awaitable<Result<std::shared_ptr<const UploadMailer::Signer>>> UploadMailer::current_signer(const Run& run,
                                                                                            trace::Segment& under) {
  auto credentials = co_await ports_.link_credentials.get(run.send_until, under);
  if (!credentials) co_return std::unexpected(credentials.error());
  if (!signer_ || signer_->credentials != *credentials) {
    signer_ = std::make_shared<const Signer>(std::move(*credentials), link_settings_);
  }
  co_return signer_;
}

Awaitable<void> UploadMailer::deliver_one(const Attempt& attempt, const mail::Address& recipient,
                                          RecordOutcome& outcome) {
  const Upload& upload = attempt.upload;
  const Run& run = attempt.run;
  const auto fail_mail = [&](const char* type, const std::string& what, std::vector<ports::LogField> more) {
    more.insert(more.begin(), {{"recipient", recipient.text()}, {"outcome", type}, {"detail", what}});
    log(LogLevel::error, "mail failed", run, upload, std::move(more));
    if (!outcome.failure) outcome.failure = failure_of(upload, type, recipient.text() + ": " + what);
  };
  if (!run.has_time_for_a_mail(ports_.clock.now())) {
    fail_mail(kOutOfTime, "not begun, the rest of the time was too short", {});
    co_return;
  }
  const ports::ClaimKey key = claim_key(upload, recipient);
  if (ports_.ledger != nullptr) {
    const auto claim = co_await ports_.ledger->claim(key, run.request_id, ports_.clock.now(), run.lease_until,
                                                     run.send_until, attempt.segment);
    if (!claim) {
      fail_mail(kLedgerError, "not sent, because the ledger cannot be asked: " + claim.error().message, {});
      co_return;
    }
    if (*claim == ports::Claim::held) {
      fail_mail(kInProgress, "another invocation is at it, or died at it: a retry finds out", {});
      co_return;
    }
    if (*claim == ports::Claim::done) {
      ++outcome.duplicates;
      log(LogLevel::info, "mail sent already", run, upload,
          {{"recipient", recipient.text()}, {"outcome", "duplicate"}});
      co_return;
    }
  }

  auto sent = co_await ports_.mail.send(compose(attempt, key, recipient), run.send_until, attempt.segment);
  if (!sent) {
    const auto& why = sent.error();
    if (is_refusal_of_credentials(why.error)) ports_.link_credentials.refused();
    std::vector<ports::LogField> more;
    if (!why.error.code.empty()) more.push_back({"code", why.error.code});
    if (!why.advice.empty()) more.push_back({"advice", why.advice});
    if (why.maybe_sent) {
      more.push_back({"note", "the mail may have been sent: a retry sends it again, so it may come twice"});
    }
    fail_mail(mail_failure_type(why.error, why.maybe_sent), why.error.message, std::move(more));
    if (!why.maybe_sent && ports_.ledger != nullptr) co_await release(attempt, key);
    co_return;
  }
  ++outcome.delivered;
  std::vector<ports::LogField> fields = {{"recipient", recipient.text()},
                                         {"outcome", "delivered"},
                                         {"message_id", sent->message_id},
                                         {"deadline", iso8601(attempt.link.deadline)},
                                         {"removed_at", iso8601(attempt.removed_at)}};
  if (ports_.ledger != nullptr) {
    const auto recorded = co_await record(attempt, key, sent->message_id);
    if (!recorded) {
      // Not a failure: the mail is out, and a retry of the invocation would make its repetition certain. As it is, it
      // repeats only if S3 repeats the event, or a sweep finds the object unknown.
      fields.push_back({"detail", recorded.error().message});
      fields.push_back({"note", "the mail was sent, but is not in the ledger: it may come twice"});
      log(LogLevel::error, "mail sent, not recorded", run, upload, std::move(fields));
      co_return;
    }
  }
  log(LogLevel::info, "mail sent", run, upload, std::move(fields));
}

Awaitable<void> UploadMailer::release(const Attempt& attempt, ports::ClaimKey key) {
  const Upload& upload = attempt.upload;
  const auto released =
      co_await ports_.ledger->release(std::move(key), attempt.run.request_id, attempt.run.work_until, attempt.segment);
  if (!released) {
    log(LogLevel::warning, "claim not released", attempt.run, upload,
        {{"detail", released.error().message}, {"note", "it ends by itself"}});
  }
}

Awaitable<Status> UploadMailer::record(const Attempt& attempt, ports::ClaimKey key, std::string message_id) {
  const Run& run = attempt.run;
  const Instant sent = ports_.clock.now();
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kMaxPause)) {
    auto recorded = co_await ports_.ledger->record_sent(key, run.request_id, message_id, sent,
                                                        std::max(attempt.removed_at, sent) + kRemembered,
                                                        run.work_until, attempt.segment);
    if (recorded || delivery::is_permanent(recorded.error().kind)) co_return recorded;
    const Instant again = ports_.clock.now() + pause;
    if (again >= run.work_until) co_return recorded;
    co_await ports_.clock.sleep_until(again);
  }
}

ports::TemplateMail UploadMailer::compose(const Attempt& attempt, const ports::ClaimKey& key,
                                          const mail::Address& recipient) {
  std::string id = mail_id(key);
  return {.sender = settings_.sender,
          .recipient = recipient,
          .template_name = settings_.template_name,
          .configuration_set = settings_.configuration_set,
          .template_data = template_data({.link = {},
                                          .bucket = attempt.upload.bucket,
                                          .key = attempt.upload.key,
                                          .size_bytes = attempt.upload.size_bytes,
                                          .sha256 = {},
                                          .sender_name = sender_name_,
                                          .now = ports_.clock.now(),
                                          .deadline = attempt.link.deadline,
                                          .removed_at = attempt.removed_at},
                                         attempt.link.url),
          .headers = {{"Auto-Submitted", "auto-generated"}, {"X-s3link-Id", id}},
          .tags = {{"bucket", tag_value(attempt.upload.bucket)},
                   {"s3link-id", id},
                   {"request-id", tag_value(attempt.run.request_id)}}};
}

}  // namespace s3link::lambda
