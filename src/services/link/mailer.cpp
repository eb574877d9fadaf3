#include "services/link/mailer.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <iterator>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/mail/message.hpp"

namespace s3link::link {
namespace {

using namespace std::chrono_literals;

/// Between two attempts to record what was sent.
constexpr std::chrono::milliseconds kFirstWait = 1s;
constexpr std::chrono::milliseconds kLongestWait = 30s;

ports::LedgerKey ledger_key(const std::string& bucket, const std::string& key, const std::string& sequencer,
                            const mail::Address& recipient) {
  return {.bucket = bucket, .key = key, .sequencer = sequencer, .recipient = recipient.text()};
}

trace::Segment render_segment(Instant start, Instant end) {
  trace::Segment out;
  out.name = "render";
  out.start = start;
  out.end = end;
  return out;
}

trace::Segment relay_segment(Instant start, Instant end, const ports::SendResult& sent) {
  trace::Segment out;
  out.name = "relay";
  out.name_space = "remote";
  out.start = start;
  out.end = end;
  out.annotations = {{"recipients", "1"}};
  if (sent) {
    out.metadata = {{"reply", sent->reply}};
    return out;
  }
  const Error& error = sent.error().error;
  // A mail that is refused for good is ours to put right.
  (error.kind == ErrorKind::denied ? out.error : out.fault) = true;
  out.cause = trace::Cause{.type = std::string(to_string(error.kind)), .message = error.message};
  if (!error.code.empty()) out.metadata = {{"reply", error.message}};
  return out;
}

}  // namespace

Mailer::Mailer(MailSettings settings, ports::MailSender& sender, ports::Ledger& ledger, ports::Clock& clock,
               ports::Random& random)
    : settings_(std::move(settings)),
      template_(std::make_shared<const mail::LinkTemplate>(settings_.link_template)),
      sender_(sender),
      ledger_(ledger),
      clock_(clock),
      random_(random) {}

void Mailer::use_template(mail::LinkTemplate fresh) {
  auto shared = std::make_shared<const mail::LinkTemplate>(std::move(fresh));
  const std::scoped_lock lock(mutex_);
  template_ = std::move(shared);
}

std::shared_ptr<const mail::LinkTemplate> Mailer::current_template() {
  const std::scoped_lock lock(mutex_);
  return template_;
}

Awaitable<Result<std::vector<mail::Address>>> Mailer::pending(std::string bucket, std::string key,
                                                              std::string sequencer) {
  std::vector<mail::Address> out;
  for (const mail::Address& recipient : settings_.recipients) {
    const auto sent = co_await ledger_.contains(ledger_key(bucket, key, sequencer, recipient));
    if (!sent) co_return std::unexpected(sent.error());
    if (!*sent) out.push_back(recipient);
  }
  co_return out;
}

Awaitable<Result<Instant>> Mailer::turn(std::string bucket, std::string key, mail::Address recipient) {
  if (!settings_.recipient_rate) co_return Instant::min();
  const mail::Rate rate = *settings_.recipient_rate;
  const auto before = co_await ledger_.sent_before(ledger_key(bucket, key, "", recipient), rate.count - 1);
  if (!before) co_return std::unexpected(before.error());
  // A clock that was ahead when that mail was sent makes nobody wait longer than the rate says.
  co_return *before ? std::min(**before, clock_.now()) + rate.per : Instant::min();
}

/// One recipient's message.
struct Mailer::Delivering {
  SendOutcome outcome;
  std::vector<trace::Segment> done;
};

Awaitable<std::vector<SendOutcome>> Mailer::deliver(LinkJob job, std::vector<mail::Address> recipients,
                                                    trace::Segment& under) {
  std::vector<Delivering> all(recipients.size());
  const auto executor = co_await asio::this_coro::executor;
  const auto begin = [&](std::size_t i) {
    return asio::co_spawn(executor, deliver_one(job, recipients[i], all[i]), asio::deferred);
  };
  std::vector<decltype(begin(0))> work;
  work.reserve(recipients.size());
  for (std::size_t i = 0; i < recipients.size(); ++i) work.push_back(begin(i));
  // What is broken off has ended as well, each with its outcome.
  co_await asio::this_coro::throw_if_cancelled(false);
  if (!work.empty()) {
    co_await asio::experimental::make_parallel_group(std::move(work))
        .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  }
  co_await asio::this_coro::throw_if_cancelled(true);
  std::vector<SendOutcome> outcomes;
  outcomes.reserve(all.size());
  for (Delivering& one : all) {
    std::ranges::move(one.done, std::back_inserter(under.children));
    outcomes.push_back(std::move(one.outcome));
  }
  co_return outcomes;
}

Awaitable<void> Mailer::deliver_one(const LinkJob& job, const mail::Address& recipient, Delivering& one) {
  one.outcome.recipient = recipient.text();
  one.outcome.scope = ports::FailureScope::ours;
  try {
    co_await attempt(job, recipient, one);
  } catch (const std::exception& e) {
    one.outcome.status = fail(ErrorKind::internal, std::string("unexpected: ") + e.what());
  }
}

Awaitable<Status> Mailer::record(ports::LedgerEntry entry) {
  for (auto wait = kFirstWait;; wait = std::min(2 * wait, kLongestWait)) {
    auto recorded = co_await ledger_.record_sent(entry);
    if (recorded || recorded.error().kind != ErrorKind::transient) co_return recorded;
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) co_return recorded;
    co_await clock_.sleep_until(clock_.now() + wait);
  }
}

Awaitable<void> Mailer::attempt(const LinkJob& job, const mail::Address& recipient, Delivering& one) {
  ports::LedgerEntry entry;
  entry.key = ledger_key(job.bucket, job.key, job.sequencer, recipient);
  const auto& key = entry.key;
  std::vector<std::string_view> identity = {key.bucket, key.key, key.sequencer, key.recipient, key.kind};
  if (const auto origin = settings_.origins.of(key.sequencer); !origin.empty()) identity.push_back(origin);
  entry.message_id = mail::message_id_of(identity, settings_.sender);
  SendOutcome& outcome = one.outcome;
  outcome.message_id = entry.message_id;

  const Instant began = clock_.now();
  mail::Mail mail = compose(job, recipient, entry.message_id);
  const Instant rendered = clock_.now();
  one.done.push_back(render_segment(began, rendered));
  auto sent = co_await sender_.send(std::move(mail));
  one.done.push_back(relay_segment(rendered, clock_.now(), sent));
  if (!sent) {
    // An error without a reply code is about the way to the relay.
    const Error& error = sent.error().error;
    if (!error.code.empty()) outcome.reply = error.message;
    outcome.status = std::unexpected(Error{error.kind, recipient.text() + ": " + error.message, error.code});
    outcome.scope = sent.error().scope;
    outcome.may_have_been_taken = sent.error().may_have_been_taken;
    co_return;
  }
  outcome.reply = sent->reply;
  entry.sent = clock_.now();
  entry.deadline = job.link.deadline;
  entry.reply = std::move(sent->reply);
  // What the relay took is recorded even where this delivery is being broken off: else it would be sent again.
  co_await asio::this_coro::throw_if_cancelled(false);
  outcome.status = co_await record(std::move(entry));
  co_await asio::this_coro::throw_if_cancelled(true);
  if (!outcome.status) outcome.status.error().message.insert(0, "sent, but not entered in the ledger: ");
}

mail::Mail Mailer::compose(const LinkJob& job, const mail::Address& recipient, std::string message_id) {
  const Instant now = clock_.now();
  const auto rendered = current_template()->render({.link = job.link.url.reveal(),
                                                    .bucket = job.bucket,
                                                    .key = job.key,
                                                    .size_bytes = job.size_bytes,
                                                    .sha256 = job.sha256,
                                                    .sender_name = settings_.sender_name,
                                                    .now = now,
                                                    .deadline = job.link.deadline,
                                                    .removed_at = job.removed_at,
                                                    .language = settings_.language,
                                                    .utc_offset = settings_.utc_offset});
  std::array<std::byte, 16> seed{};
  random_.fill(seed);
  Secret message = mail::build_message({.from = settings_.sender,
                                        .from_name = settings_.sender_name,
                                        .to = recipient,
                                        .reply_to = settings_.reply_to,
                                        .subject = rendered.subject,
                                        .date = now,
                                        .message_id = message_id,
                                        .text = rendered.text.reveal(),
                                        .html = rendered.html.reveal(),
                                        .boundary_seed = hex_encode(as_text(seed)),
                                        .trace_id = job.trace_id});
  return {.envelope_from = settings_.bounce_address.value_or(settings_.sender).text(),
          .envelope_to = recipient.text(),
          .message_id = std::move(message_id),
          .rfc5322 = std::move(message)};
}

}  // namespace s3link::link
