#include "services/pipeline/relay_gate.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <utility>

#include "services/pipeline/wake_signal.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using delivery::RelayPhase;
using ports::LogLevel;

/// How long a mail waits for its turn with what it was made of: its link, and the object as it was then.
constexpr auto kPatience = 10s;

ports::SendFailure must_wait(const delivery::RelayStatus& status) {
  std::string why = status.phase == RelayPhase::open ? "the mail waits for its turn (email.rate, email.max_connections)"
                                                     : status.reason;
  const bool login = status.login_refused;
  return {{login ? ErrorKind::denied : ErrorKind::transient, std::move(why), ""}, ports::FailureScope::relay, false};
}

ports::SendFailure others_hang() {
  return {{ErrorKind::transient, "the relay does not answer about this recipient: other mails to it wait", ""},
          ports::FailureScope::nobody,
          false};
}

/// It gave up waiting for an answer to this very mail.
bool is_silence(const ports::SendFailure& failure) {
  return (failure.scope == ports::FailureScope::message || failure.scope == ports::FailureScope::recipient) &&
         failure.error.kind == ErrorKind::transient && failure.error.code.empty();
}

/// Whether the relay said something to the mail, whatever it was.
delivery::RecipientShares::End end_of(const ports::SendResult& sent) {
  using enum delivery::RecipientShares::End;
  if (sent) return answered;
  if (is_silence(sent.error())) return silent;
  return sent.error().error.code.empty() ? unknown : answered;
}

}  // namespace

/// A mail that waits for its turn, until it is destroyed.
class RelayGate::Waiting {
 public:
  Waiting(RelayGate& gate, std::string recipient, asio::any_io_executor executor)
      : recipient_(std::move(recipient)), gate_(gate), wake_(std::make_shared<WakeSignal>()) {
    wake_->open(executor);
    const std::scoped_lock lock(gate_.mutex_);
    self_ = gate_.waiting_.insert(gate_.waiting_.end(), this);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    wake_->close();
    {
      const std::scoped_lock lock(gate_.mutex_);
      gate_.waiting_.erase(self_);
      if (!turn_ || !*turn_) return;
      gate_.state_.abandoned(**turn_);  // broken off before it took its turn
      gate_.shares_.end(recipient_, delivery::RecipientShares::End::unknown, gate_.clock_.now());
    }
    gate_.call_next();
  }

  const std::string& recipient() const noexcept { return recipient_; }
  bool has_turn() const noexcept { return turn_.has_value(); }
  void give(Turn turn) {
    turn_ = std::move(turn);
    wake_->notify();
  }
  std::optional<Turn> take() { return std::exchange(turn_, std::nullopt); }
  Awaitable<void> wait_until(std::chrono::steady_clock::time_point when) {
    return wake_->wait_until(gate_.clock_, when);
  }

 private:
  std::string recipient_;
  RelayGate& gate_;
  std::shared_ptr<WakeSignal> wake_;
  std::list<Waiting*>::iterator self_;
  std::optional<Turn> turn_;  // guarded by the gate's mutex_
};

/// Holds the ticket of one mail; a mail that is broken off by an exception gives it back.
class RelayGate::Sending {
 public:
  Sending(RelayGate& gate, delivery::RelayState::Ticket ticket, std::string recipient)
      : gate_(gate), ticket_(ticket), recipient_(std::move(recipient)) {}
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;
  ~Sending() {
    if (ended_) return;
    end([this](delivery::RelayState& state) { state.abandoned(ticket_); }, delivery::RecipientShares::End::unknown);
  }

  void end(const ports::SendResult& sent) {
    const Instant now = gate_.clock_.now();
    const std::uint64_t random = gate_.random_.next_u64();
    const auto change = [&](delivery::RelayState& state) {
      if (sent) return state.passed(ticket_, now);
      const ports::SendFailure& failure = sent.error();
      // Silence is no proof that the relay works; of other mails it proves nothing either.
      const bool proves_nothing = is_silence(failure) || failure.scope == ports::FailureScope::ours;
      if (failure.scope == ports::FailureScope::relay || (proves_nothing && ticket_.probe)) {
        return state.failed(ticket_, failure, now, random);
      }
      proves_nothing ? state.abandoned(ticket_) : state.passed(ticket_, now);
    };
    end(change, end_of(sent));
  }

 private:
  template <class Change>
  void end(const Change& change, delivery::RecipientShares::End how) {
    ended_ = true;
    delivery::RelayStatus before;
    {
      const std::scoped_lock lock(gate_.mutex_);
      before = gate_.state_.status();
      change(gate_.state_);
      gate_.shares_.end(recipient_, how, gate_.clock_.now());
    }
    gate_.note_change(before);
    gate_.call_next();
  }

  RelayGate& gate_;
  delivery::RelayState::Ticket ticket_;
  std::string recipient_;
  bool ended_ = false;
};

RelayGate::RelayGate(delivery::RelayPolicy policy, ports::MailSender& sender, ports::Clock& clock,
                     ports::Random& random, ports::Logger& logger)
    : sender_(sender),
      clock_(clock),
      random_(random),
      logger_(logger),
      state_(policy, clock.now()),
      shares_(policy.recipients) {}

RelayGate::~RelayGate() = default;

Awaitable<ports::SendResult> RelayGate::send(mail::Mail mail) {
  const auto turn = co_await wait_for_turn(mail.envelope_to);
  if (!turn) co_return std::unexpected(turn.error());
  Sending sending(*this, *turn, mail.envelope_to);
  auto sent = co_await sender_.send(std::move(mail));
  sending.end(sent);
  co_return sent;
}

Awaitable<RelayGate::Turn> RelayGate::wait_for_turn(std::string recipient) {
  Waiting waiting(*this, std::move(recipient), co_await asio::this_coro::executor);
  const auto patience = clock_.steady_now() + kPatience;
  while (true) {
    auto look = patience;
    {
      const std::scoped_lock lock(mutex_);
      const Instant now = clock_.now();
      give_turns(now);
      if (auto turn = waiting.take()) co_return std::move(*turn);
      if (clock_.steady_now() >= patience) co_return std::unexpected(must_wait(state_.status()));
      if (const auto next = state_.next(now); next && *next > now) {
        look = std::min(look, clock_.steady_now() + (*next - now));
      }
    }
    co_await waiting.wait_until(look);
  }
}

void RelayGate::give_turns(Instant now) {
  using Whose = delivery::RecipientShares::Turn;
  for (Waiting* const waiting : waiting_) {
    if (waiting->has_turn()) continue;
    const Whose whose = shares_.turn(waiting->recipient(), state_.connections(), now);
    if (state_.only_waits(now)) {
      waiting->give(std::unexpected(must_wait(state_.status())));
    } else if (whose == Whose::later) {
      waiting->give(std::unexpected(others_hang()));
    } else if (whose == Whose::now) {
      const auto ticket = state_.begin(now);
      if (!ticket) return;  // those behind come after it
      shares_.begin(waiting->recipient(), now);
      waiting->give(*ticket);
    }
  }
}

void RelayGate::call_next() {
  {
    const std::scoped_lock lock(mutex_);
    give_turns(clock_.now());
  }
  if (ended_) ended_();
}

std::size_t RelayGate::free(std::size_t begun) const {
  const std::scoped_lock lock(mutex_);
  const Instant now = clock_.now();
  std::size_t here = state_.under_way();
  std::size_t wanted = 0;
  for (const Waiting* const waiting : waiting_) {
    if (waiting->has_turn()) continue;  // it is under way, or about to leave
    ++here;
    const auto whose = shares_.turn(waiting->recipient(), state_.connections(), now);
    if (whose == delivery::RecipientShares::Turn::now) ++wanted;
  }
  wanted += begun - std::min(begun, here);
  const std::size_t free = state_.free(now);
  return free - std::min(free, wanted);
}

std::optional<Instant> RelayGate::next() const {
  const std::scoped_lock lock(mutex_);
  const Instant now = clock_.now();
  const auto next = state_.next(now);
  return next && *next > now ? next : std::nullopt;
}

delivery::RelayStatus RelayGate::status() const {
  const std::scoped_lock lock(mutex_);
  return state_.status();
}

void RelayGate::probe_now() {
  {
    const std::scoped_lock lock(mutex_);
    state_.probe_now(clock_.now());
  }
  call_next();
  for (const auto& changed : changed_) changed();
}

void RelayGate::on_change(std::function<void()> changed) { changed_.push_back(std::move(changed)); }

void RelayGate::note_change(const delivery::RelayStatus& before) {
  const delivery::RelayStatus now = status();
  if (now.phase == before.phase && now.login_refused == before.login_refused && now.known == before.known) return;
  if (now.phase != before.phase || now.login_refused != before.login_refused) {
    std::vector<ports::LogField> fields = {{"state", std::string(to_string(now.phase))},
                                           {"before", std::string(to_string(before.phase))}};
    if (now.phase != RelayPhase::open) {
      fields.push_back({"detail", now.reason});
      fields.push_back({"connections", std::to_string(now.connections)});
    }
    if (now.next_probe) fields.push_back({"next_probe", iso8601(*now.next_probe)});
    const LogLevel level = now.login_refused               ? LogLevel::error
                           : now.phase == RelayPhase::open ? LogLevel::info
                                                           : LogLevel::warning;
    logger_.log(level, now.login_refused ? "relay refuses the login" : "relay " + std::string(to_string(now.phase)),
                std::move(fields));
  }
  for (const auto& changed : changed_) changed();
}

}  // namespace s3link::pipeline
