#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/delivery/recipient_shares.hpp"
#include "core/delivery/relay_state.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "ports/mail_sender.hpp"
#include "ports/random.hpp"

namespace s3link::pipeline {

/// Another sender, of which no more is asked than it can bear (delivery::RelayState), shared among the recipients
/// (delivery::RecipientShares). Logs when the relay's phase changes, not for each mail. Thread safety: any number of
/// calls, from any thread.
class RelayGate final : public ports::MailSender {
 public:
  /// All must outlive it.
  RelayGate(delivery::RelayPolicy policy, ports::MailSender& sender, ports::Clock& clock, ports::Random& random,
            ports::Logger& logger);
  RelayGate(const RelayGate&) = delete;
  RelayGate& operator=(const RelayGate&) = delete;
  ~RelayGate() override;

  /// A mail waits for its turn here, first come, first served, for ten seconds at most: so long its link and its object
  /// are as good as new. Errors besides the sender's, without asking it: transient, the relay's trouble, where a pause
  /// runs or those seconds were not enough; transient and nobody's, where mails to the same recipient hang.
  Awaitable<ports::SendResult> send(mail::Mail mail) override;

  /// How many more deliveries may be begun, where `begun` are: those that have no mail here yet will want to.
  std::size_t free(std::size_t begun) const;
  /// When that may change by time alone; empty: when a mail ends, or by probe_now().
  std::optional<Instant> next() const;
  delivery::RelayStatus status() const;

  /// Ends a pause: the next mail is tried at once.
  void probe_now();
  /// To be called whenever the status is another, from any thread; it must return at once. Added before the first send.
  void on_change(std::function<void()> changed);
  /// To be called whenever a mail has ended, in the same way.
  void on_room(std::function<void()> ended) { ended_ = std::move(ended); }

 private:
  class Sending;
  class Waiting;
  using Turn = std::expected<delivery::RelayState::Ticket, ports::SendFailure>;
  Awaitable<Turn> wait_for_turn(std::string recipient);
  void give_turns(Instant now);  // with mutex_ held
  void call_next();
  void note_change(const delivery::RelayStatus& before);

  ports::MailSender& sender_;
  ports::Clock& clock_;
  ports::Random& random_;
  ports::Logger& logger_;
  std::vector<std::function<void()>> changed_;
  std::function<void()> ended_;
  mutable std::mutex mutex_;
  delivery::RelayState state_;        // guarded by mutex_
  delivery::RecipientShares shares_;  // guarded by mutex_
  std::list<Waiting*> waiting_;       // guarded by mutex_; the first came first
};

}  // namespace s3link::pipeline
