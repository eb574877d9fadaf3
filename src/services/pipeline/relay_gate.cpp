#include "services/pipeline/relay_gate.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace s3link::pipeline {
namespace {

using delivery::RelayPhase;
using ports::LogLevel;

ports::SendFailure must_wait(const delivery::RelayStatus& status) {
  std::string why = status.phase == RelayPhase::open ? "the mail waits for its turn (email.rate, email.max_connections)"
                                                     : status.reason;
  const bool login = status.login_refused;
  return {{login ? ErrorKind::denied : ErrorKind::transient, std::move(why), ""}, ports::FailureScope::relay, false};
}

}  // namespace

/// Holds the ticket of one mail; a mail that is broken off by an exception gives it back.
class RelayGate::Sending {
 public:
  Sending(RelayGate& gate, delivery::RelayState::Ticket ticket) : gate_(gate), ticket_(ticket) {}
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;
  ~Sending() {
    if (!ended_) end([this](delivery::RelayState& state) { state.abandoned(ticket_); });
  }

  void end(const ports::SendResult& sent) {
    const Instant now = gate_.clock_.now();
    const std::uint64_t random = gate_.random_.next_u64();
    end([&](delivery::RelayState& state) {
      if (!sent && sent.error().may_have_been_taken) {
        // Silence is no proof that the relay works; of other mails it proves nothing either.
        ticket_.probe ? state.failed(ticket_, sent.error(), now, random) : state.abandoned(ticket_);
      } else if (!sent && sent.error().scope == ports::FailureScope::relay) {
        state.failed(ticket_, sent.error(), now, random);
      } else {
        state.passed(ticket_, now);
      }
    });
  }

 private:
  template <class Change>
  void end(const Change& change) {
    ended_ = true;
    delivery::RelayStatus before;
    {
      const std::scoped_lock lock(gate_.mutex_);
      before = gate_.state_.status();
      change(gate_.state_);
    }
    gate_.note_change(before);
  }

  RelayGate& gate_;
  delivery::RelayState::Ticket ticket_;
  bool ended_ = false;
};

RelayGate::RelayGate(delivery::RelayPolicy policy, ports::MailSender& sender, ports::Clock& clock,
                     ports::Random& random, ports::Logger& logger)
    : sender_(sender), clock_(clock), random_(random), logger_(logger), state_(policy, clock.now()) {}

RelayGate::~RelayGate() = default;

Awaitable<ports::SendResult> RelayGate::send(mail::Mail mail) {
  std::optional<delivery::RelayState::Ticket> ticket;
  delivery::RelayStatus status;
  {
    const std::scoped_lock lock(mutex_);
    ticket = state_.begin(clock_.now());
    status = state_.status();
  }
  if (!ticket) co_return std::unexpected(must_wait(status));
  Sending sending(*this, *ticket);
  auto sent = co_await sender_.send(std::move(mail));
  sending.end(sent);
  co_return sent;
}

std::size_t RelayGate::free(std::size_t begun) const {
  const std::scoped_lock lock(mutex_);
  const std::size_t not_sending = begun - std::min<std::size_t>(begun, state_.under_way());
  const std::size_t free = state_.free(clock_.now());
  return free - std::min(free, not_sending);
}

std::optional<Instant> RelayGate::next() const {
  const std::scoped_lock lock(mutex_);
  return state_.next(clock_.now());
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
