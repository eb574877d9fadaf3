#include "services/pipeline/dispatcher.hpp"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/event/notification_rule.hpp"
#include "core/trace/trace_context.hpp"
#include "services/pipeline/delivery_trace.hpp"
#include "services/pipeline/wake_signal.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using ports::LogLevel;

constexpr std::string_view kUnconfirmed = "unconfirmed";
constexpr auto kEmptyWait = 10s;
constexpr auto kClockWait = 5s;   // between two looks at a clock that cannot be right
constexpr auto kGoneWait = 1min;  // the same, for a mail whose object is gone by that clock

/// For errors of the outbox itself, between two looks at it.
constexpr delivery::RetryPolicy kLookAgain{.max_attempts = 0, .first_retry = 1s, .max_retry = 60s};

/// Between two looks at the outbox that nothing but the clock asks for: what becomes due meanwhile is taken together.
constexpr auto kPause = 5ms;
/// The longest wait that is no retry: of a mail that may have been taken.
constexpr std::chrono::milliseconds kLongestHold = delivery::kUnconfirmedWait;
constexpr auto kClockSlack = 1min;  // by which a time service may set the clock back without being a wrong clock

delivery::Failed failed(Error error) { return {{{.error = std::move(error)}}}; }

/// What kept us from trying at all, which is no fault of the mail's.
delivery::Failed not_tried(Error error) { return {{{.error = std::move(error), .scope = mail::FailureScope::ours}}}; }

delivery::Dropped replaced() { return {{"replaced", "the object was replaced before its mail"}}; }

constexpr std::string_view kGone = "object_gone";

delivery::Dropped gone(std::string text) { return {{std::string(kGone), std::move(text)}}; }

bool is_gone(const delivery::Outcome& outcome) {
  const auto* const dropped = std::get_if<delivery::Dropped>(&outcome);
  return dropped != nullptr && dropped->rule.kind == kGone;
}

ports::FailureReason to_port(delivery::Reason reason) {
  return {.kind = std::move(reason.kind),
          .message = std::move(reason.message),
          .recipient = std::move(reason.recipient),
          .reply = std::move(reason.reply)};
}

std::vector<ports::FailureReason> to_port(std::vector<delivery::Reason> reasons) {
  std::vector<ports::FailureReason> out;
  for (delivery::Reason& reason : reasons) out.push_back(to_port(std::move(reason)));
  return out;
}

std::vector<delivery::Reason> from_port(const std::vector<ports::FailureReason>& reasons) {
  std::vector<delivery::Reason> out;
  for (const auto& reason : reasons) out.push_back({reason.kind, reason.message, reason.recipient, reason.reply});
  return out;
}

/// Clients that write a file in two steps make an empty object first (s3fs, FTP bridges): its mail waits for what
/// follows. Empty: it need not wait.
std::optional<Instant> waits_for_content(const ports::ObjectInfo& object, const ports::OutboxEntry& entry,
                                         Instant now) {
  const Instant until = entry.created + kEmptyWait;
  if (object.size_bytes > 0 || now >= until || now < entry.created) return std::nullopt;
  return until;
}

/// What the ledger tells events apart by.
std::string identity_of(const event::EventRecord& record) {
  return record.bucket + '\0' + record.sequencer + '\0' + record.key;
}

std::vector<ports::LogField> with(std::vector<ports::LogField> fields, std::vector<ports::LogField> more) {
  std::ranges::move(more, std::back_inserter(fields));
  return fields;
}

Instant sooner(std::optional<Instant> first, Instant second) { return std::min(first.value_or(second), second); }

/// Counts what is recorded.
Status counted(std::atomic<std::uint64_t>& count, Status recorded) {
  if (recorded) count.fetch_add(1, std::memory_order_relaxed);
  return recorded;
}

}  // namespace

struct Dispatcher::Running {
  std::int64_t id = 0;
  std::string event;  ///< empty: the entry cannot be read
  std::string trace;  ///< the trace's id; empty: none
  bool retried = false;
  asio::cancellation_signal cancel;
};

/// What an entry says: a record to be mailed, or the outcome that needs no attempt.
struct Dispatcher::Reading {
  event::EventRecord record;
  std::optional<delivery::Outcome> outcome;

  static Reading of(const std::string& event_json);
};

Dispatcher::Reading Dispatcher::Reading::of(const std::string& event_json) {
  auto notification = event::parse_notification(event_json);
  if (!notification) return {{}, failed(notification.error())};
  if (notification->is_test_event) {
    return {{}, delivery::Dropped{{"test_event", "the message S3 sends when a notification is configured"}}};
  }
  if (notification->records.size() != 1) {
    return {{}, failed({ErrorKind::invalid_argument, "an outbox entry holds one event record", ""})};
  }
  Reading out{std::move(notification->records.front()), std::nullopt};
  if (auto rule = event::drop_rule(out.record)) {
    out.outcome = delivery::Dropped{{std::move(rule->name), std::move(rule->text)}};
  } else if (!delivery::is_linkable(out.record.key)) {
    out.outcome = delivery::Undeliverable{
        {"unlinkable_key",
         "the key has a segment \".\" or \"..\", which browsers remove: its link names another object"}};
  }
  return out;
}

Dispatcher::Dispatcher(DispatcherSettings settings, ports::Outbox& outbox, ports::BucketStore& buckets,
                       const link::LinkGenerator& links, link::Mailer& mailer, RelayGate& relay, ports::Clock& clock,
                       ports::Random& random, ports::Logger& logger, ports::TraceSink& traces)
    : settings_(settings),
      outbox_(outbox),
      buckets_(buckets),
      links_(links),
      mailer_(mailer),
      relay_(relay),
      clock_(clock),
      random_(random),
      logger_(logger),
      traces_(traces),
      wake_(std::make_shared<WakeSignal>()) {
  outbox_.on_new_entry([wake = wake_] { wake->notify(); });
  relay_.on_change([wake = wake_] { wake->notify(); });
  relay_.on_room([wake = wake_] { wake->notify(); });
}

Dispatcher::~Dispatcher() { outbox_.on_new_entry({}); }

void Dispatcher::stop() {
  stopping_ = true;
  wake_->notify();
}

Awaitable<void> Dispatcher::run() {
  wake_->open(co_await asio::this_coro::executor);
  co_await loop();
  co_await drain();
  wake_->close();
}

Awaitable<void> Dispatcher::loop() {
  unsigned failures = 0;
  while (!stopping_) {
    Result<std::optional<Instant>> next = fail(ErrorKind::internal, "");
    try {
      next = co_await take();
    } catch (const std::exception& e) {
      next = fail(ErrorKind::internal, e.what());
    }
    if (next) {
      failures = 0;
      if (!stopping_) co_await wake_->wait_until(clock_, *next);
      continue;
    }
    ++failures;
    logger_.log(LogLevel::error, "outbox cannot be read",
                {{"reason", std::string(to_string(next.error().kind))}, {"detail", next.error().message}});
    // New entries and ended deliveries do not shorten this wait: they would make it a busy loop.
    const auto again = clock_.steady_now() + delivery::backoff(kLookAgain, failures, random_.next_u64());
    while (!stopping_ && clock_.steady_now() < again) co_await wake_->wait_until(clock_, again);
  }
}

Instant::duration Dispatcher::jump() const {
  if (!settings_.clock) return {};
  const delivery::ClockStatus status = settings_.clock();
  return status.wall - status.removal;
}

delivery::Room Dispatcher::room() const {
  const auto retried = static_cast<std::size_t>(std::ranges::count(running_, true, &Running::retried));
  const std::size_t borne = running_.size() + relay_.free(running_.size());
  if (borne == running_.size()) return {};
  return delivery::room_for(
      std::min<std::size_t>(settings_.concurrency, borne),
      {.fresh = running_.size() - retried, .retried = retried, .last_was_retried = last_was_retried_});
}

Awaitable<Status> Dispatcher::forget_wrong_clock() {
  const Instant now = clock_.now();
  const Instant latest =
      now + std::max({settings_.lease, settings_.retry.max_retry, settings_.longest_hold, kLongestHold}) + kClockSlack;
  const auto brought = co_await outbox_.bring_forward(now, latest);
  if (!brought) co_return std::unexpected(brought.error());
  if (*brought > 0) {
    logger_.log(LogLevel::warning, "mails due later than any wait are tried now",
                {{"count", std::to_string(*brought)}});
  }
  co_return Status{};
}

Awaitable<Status> Dispatcher::take_overdue() {
  const Instant now = clock_.now();
  if (jump() > 0ms) co_return Status{};
  if (now < next_overdue_ && next_overdue_ <= now + settings_.overdue_period) co_return Status{};
  const std::size_t free = settings_.concurrency - std::min<std::size_t>(settings_.concurrency, running_.size());
  if (free == 0) co_return Status{};
  auto entries = co_await outbox_.take_overdue(now, settings_.retry, free, now + settings_.lease);
  if (!entries) co_return std::unexpected(entries.error());
  // Where there are more, the deliveries that end wake us for them.
  if (entries->size() < free) next_overdue_ = now + settings_.overdue_period;
  for (auto& entry : *entries) start(co_await asio::this_coro::executor, std::move(entry));
  co_return Status{};
}

Awaitable<Result<std::optional<Instant>>> Dispatcher::take() {
  // No mail is handed to the relay while its outcome could not be recorded: it would be sent twice.
  if (auto writable = buckets_.writable(); !writable) co_return std::unexpected(writable.error());
  if (settings_.clock && settings_.clock().mail_waits) co_return clock_.now() + kClockWait;
  if (auto forgotten = co_await forget_wrong_clock(); !forgotten) co_return std::unexpected(forgotten.error());
  if (auto taken = co_await take_overdue(); !taken) co_return std::unexpected(taken.error());
  while (!stopping_) {
    const delivery::Room free = room();
    if (running_.size() >= settings_.concurrency) co_return std::nullopt;  // the next delivery that ends wakes us
    // The same does, or the relay's state, or time.
    if (free.total == 0) co_return std::max(sooner(relay_.next(), next_overdue_), clock_.now() + kPause);
    const Instant now = clock_.now();
    auto entries = co_await outbox_.take_due(now, free, now + settings_.lease);
    if (!entries) co_return std::unexpected(entries.error());
    const bool all = entries->size() < free.total;
    for (auto& entry : *entries) start(co_await asio::this_coro::executor, std::move(entry));
    if (all) break;
  }
  const auto next = co_await outbox_.next_due();
  if (!next) co_return std::unexpected(next.error());
  // Where there is no room for a sort, the next delivery that ends wakes us.
  std::optional<Instant> due = next->fresh;
  if (next->retried && room().retried > 0) due = sooner(due, *next->retried);
  if (!due) co_return std::nullopt;
  co_return std::max(*due, clock_.now() + kPause);
}

void Dispatcher::start(const asio::any_io_executor& executor, ports::OutboxEntry entry) {
  const auto has_id = [&entry](const Running& running) { return running.id == entry.id; };
  if (std::ranges::any_of(running_, has_id)) return;  // it outlasted its lease, and is still at it
  Reading reading = Reading::of(entry.event_json);
  std::string event = reading.outcome ? std::string() : identity_of(reading.record);
  const auto has_event = [&event](const Running& running) { return running.event == event; };
  if (!event.empty() && std::ranges::any_of(running_, has_event)) reading.outcome = delivery::InHand{};
  Running& running = running_.emplace_back();
  running.id = entry.id;
  running.event = std::move(event);
  running.trace = trace::xray_id_of(entry.trace);
  running.retried = last_was_retried_ = entry.first_failure.has_value();
  const auto self = std::prev(running_.end());
  asio::co_spawn(
      executor, deliver(std::move(entry), std::move(reading)),
      asio::bind_cancellation_slot(self->cancel.slot(), [this, executor, self](const std::exception_ptr& failure) {
        if (failure && !stopping_) {
          logger_.log(LogLevel::error, "delivery broke off",
                      {{"event_id", std::to_string(self->id)}, {"trace_id", self->trace}});
        }
        // Later, because the slot is still in use while this handler runs.
        asio::post(executor, [this, self] {
          running_.erase(self);
          wake_->notify();
        });
      }));
}

Awaitable<void> Dispatcher::drain() {
  const auto patience = clock_.steady_now() + settings_.stop_grace;
  while (!running_.empty() && clock_.steady_now() < patience) co_await wake_->wait_until(clock_, patience);
  if (running_.empty()) co_return;
  for (Running& running : running_) {
    logger_.log(LogLevel::warning, "delivery broken off at stop",
                {{"event_id", std::to_string(running.id)}, {"trace_id", running.trace}});
    running.cancel.emit(asio::cancellation_type::terminal);
  }
  while (!running_.empty()) co_await wake_->wait_until(clock_, std::nullopt);
}

Awaitable<void> Dispatcher::deliver(ports::OutboxEntry entry, Reading reading) {
  std::vector<ports::LogField> about = {{"event_id", std::to_string(entry.id)},
                                        {"bucket", reading.record.bucket},
                                        {"key", reading.record.key},
                                        {"attempt", std::to_string(entry.attempts + 1)}};
  DeliveryTrace trace(entry, reading.record, clock_.now());
  if (!trace.id().empty()) about.push_back({"trace_id", trace.id()});
  std::optional<Instant> removal;
  if (!reading.outcome) {
    try {
      reading.outcome = co_await attempt(entry, reading.record, removal, trace);
    } catch (const std::exception& e) {
      reading.outcome = not_tried({ErrorKind::internal, std::string("unexpected: ") + e.what(), ""});
    }
  }
  // Broken off by stop(): the entry stays as it is, for the next start.
  if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) co_return;
  const auto settled = co_await settle(entry, std::move(*reading.outcome), removal, about, trace);
  trace.emit(traces_, clock_.now());
  if (!settled) {
    tally_.unrecorded.fetch_add(1, std::memory_order_relaxed);
    // The claim stays until its lease ends; then the ledger knows which mails went out.
    logger_.log(LogLevel::error, "outcome of a delivery not recorded",
                with(std::move(about),
                     {{"reason", std::string(to_string(settled.error().kind))}, {"detail", settled.error().message}}));
  }
}

Awaitable<delivery::Outcome> Dispatcher::attempt(const ports::OutboxEntry& entry, const event::EventRecord& record,
                                                 std::optional<Instant>& removal, DeliveryTrace& trace) {
  // First of all the ledger: an event whose mails are all out is delivered, whatever became of its object since.
  auto recipients = co_await mailer_.pending(record.bucket, record.key, record.sequencer);
  if (!recipients) co_return not_tried(recipients.error());
  std::erase_if(*recipients, [&entry](const mail::Address& recipient) {
    return std::ranges::find(entry.refused, recipient.text(), &ports::FailureReason::recipient) != entry.refused.end();
  });
  if (recipients->empty()) co_return delivery::Delivered{};

  const auto bucket = s3::BucketName::parse(record.bucket);
  if (!bucket) co_return failed(bucket.error());
  const auto key = s3::ObjectKey::parse(record.key);
  if (!key) co_return failed(key.error());

  const auto object = co_await buckets_.head_object(*bucket, *key);
  if (!object && object.error().kind == ErrorKind::not_found) co_return gone("the object was removed before its mail");
  if (!object) co_return not_tried(object.error());
  if (object->sequencer != record.sequencer) co_return replaced();
  removal = object->removed_at;
  if (const auto until = waits_for_content(*object, entry, clock_.now())) co_return delivery::Held{*until};
  const auto turn =
      co_await hold_back(*recipients, record, delivery::gives_up_at(settings_.retry, entry.since, removal));
  if (!turn) co_return not_tried(turn.error());
  if (recipients->empty()) co_return delivery::Held{turn->value()};
  auto sha256 = co_await buckets_.object_sha256(*bucket, *key, record.sequencer);
  if (!sha256 && sha256.error().kind == ErrorKind::not_found) co_return gone("the object was removed before its mail");
  if (!sha256) co_return not_tried(sha256.error());
  const Instant signing = clock_.now();
  auto link = links_.make(*bucket, *key, object->removed_at, signing);
  trace.add_sign(signing, clock_.now());
  if (!link && link.error().kind == ErrorKind::not_found) co_return gone(link.error().message);
  if (!link) co_return failed(link.error());

  const std::string deadline = iso8601(link->deadline);
  trace.add_recipients(recipients->size());
  const auto outcomes = co_await mailer_.deliver({.bucket = record.bucket,
                                                  .key = record.key,
                                                  .sequencer = record.sequencer,
                                                  .size_bytes = object->size_bytes,
                                                  .sha256 = std::move(*sha256),
                                                  .link = std::move(*link),
                                                  .removed_at = object->removed_at,
                                                  .trace_id = trace.id()},
                                                 std::move(*recipients), trace.segment());
  delivery::Failed all;
  for (const auto& outcome : outcomes) {
    if (outcome.status) {
      log_sent(entry, record, outcome, deadline, trace);
    } else {
      all.failures.push_back({.error = outcome.status.error(),
                              .recipient = outcome.recipient,
                              .reply = outcome.reply,
                              .scope = outcome.scope,
                              .may_have_been_taken = outcome.may_have_been_taken});
    }
  }
  if (!all.failures.empty()) co_return all;
  if (*turn) co_return delivery::Held{**turn};
  co_return delivery::Delivered{};
}

Awaitable<Result<std::optional<Instant>>> Dispatcher::hold_back(std::vector<mail::Address>& recipients,
                                                                const event::EventRecord& record, Instant latest) {
  const Instant now = clock_.now();
  std::optional<Instant> first;
  std::vector<mail::Address> now_or_never;
  for (mail::Address& recipient : recipients) {
    const auto turn = co_await mailer_.turn(record.bucket, record.key, recipient);
    if (!turn) co_return std::unexpected(turn.error());
    // One mail too many is better than one that is lost.
    if (*turn <= now || now >= latest) {
      now_or_never.push_back(std::move(recipient));
    } else {
      first = sooner(first, std::min(*turn, latest));
    }
  }
  recipients = std::move(now_or_never);
  co_return first;
}

void Dispatcher::log_sent(const ports::OutboxEntry& entry, const event::EventRecord& record,
                          const link::SendOutcome& outcome, const std::string& deadline, const DeliveryTrace& trace) {
  std::vector<ports::LogField> fields = {{"event_id", std::to_string(entry.id)},
                                         {"bucket", record.bucket},
                                         {"key", record.key},
                                         {"recipient", outcome.recipient},
                                         {"message_id", outcome.message_id},
                                         {"deadline", deadline},
                                         {"attempt", std::to_string(entry.attempts + 1)},
                                         {"reply", outcome.reply}};
  if (entry.last_failure == kUnconfirmed) fields.push_back({"repeat", "may have been taken before"});
  if (!trace.id().empty()) fields.push_back({"trace_id", trace.id()});
  logger_.log(LogLevel::info, "delivery sent", std::move(fields));
}

Awaitable<Status> Dispatcher::settle(const ports::OutboxEntry& entry, delivery::Outcome outcome,
                                     std::optional<Instant> removal, std::vector<ports::LogField> about,
                                     DeliveryTrace& trace) {
  const Instant now = clock_.now();
  delivery::Life life{
      .failed_before = entry.attempts, .since = entry.since, .removal = removal, .refused = from_port(entry.refused)};
  if (const auto ahead = jump(); ahead > 0ms) {
    life.since += ahead;
    if (life.removal) *life.removal += ahead;
    if (is_gone(outcome)) outcome = delivery::Held{now + kGoneWait};
  }
  auto action = delivery::next(settings_.retry, life, outcome, now, random_.next_u64());
  trace.set_outcome(action);

  const auto say = [&](LogLevel level, std::string_view what, const delivery::Reason& reason,
                       std::vector<ports::LogField> more) {
    more.insert(more.begin(), {{"reason", reason.kind}, {"detail", reason.message}});
    logger_.log(level, what, with(about, std::move(more)));
  };
  if (auto* const retry = std::get_if<delivery::Retry>(&action)) {
    say(LogLevel::warning, "delivery failed", retry->reason, {{"next_attempt", iso8601(retry->due)}});
    co_return counted(tally_.retried,
                      co_await outbox_.reschedule(entry.id, now, retry->due, to_port(std::move(retry->reason)),
                                                  to_port(std::move(retry->refused)), retry->counts));
  }
  if (auto* const postpone = std::get_if<delivery::Postpone>(&action)) {
    for (const delivery::Reason& reason : postpone->refused) say(LogLevel::warning, "recipient refused", reason, {});
    co_return co_await outbox_.postpone(entry.id, postpone->due, to_port(std::move(postpone->refused)));
  }
  if (auto* const dead = std::get_if<delivery::DeadLetter>(&action)) {
    std::vector<ports::LogField> more;
    if (removal) more.push_back({"redrivable_until", iso8601(*removal)});
    say(LogLevel::error, "delivery given up", dead->reason, std::move(more));
    co_return counted(tally_.dead, co_await outbox_.give_up(entry.id, now, to_port(std::move(dead->reason)), removal));
  }
  if (auto* const drop = std::get_if<delivery::Drop>(&action)) {
    say(LogLevel::info, "delivery dropped", drop->rule, {});
    co_return counted(tally_.dropped, co_await outbox_.drop(entry.id, now, to_port(std::move(drop->rule))));
  }
  co_return counted(tally_.delivered, co_await outbox_.mark_delivered(entry.id));
}

}  // namespace s3link::pipeline
