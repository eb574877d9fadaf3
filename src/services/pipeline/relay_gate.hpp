#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "core/delivery/relay_state.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "ports/mail_sender.hpp"
#include "ports/random.hpp"

namespace s3link::pipeline {

/// Another sender, of which no more is asked than it can bear (delivery::RelayState). Logs when the relay's phase
/// changes, not for each mail. Thread safety: any number of calls, from any thread.
class RelayGate final : public ports::MailSender {
 public:
  /// All must outlive it.
  RelayGate(delivery::RelayPolicy policy, ports::MailSender& sender, ports::Clock& clock, ports::Random& random,
            ports::Logger& logger);
  RelayGate(const RelayGate&) = delete;
  RelayGate& operator=(const RelayGate&) = delete;
  ~RelayGate() override;

  /// Errors besides the sender's: transient, the relay's trouble, at once and without asking the sender, where the mail
  /// must wait.
  Awaitable<ports::SendResult> send(mail::Mail mail) override;

  /// How many more deliveries may be begun, where `begun` are: those that have no mail under way yet will want to.
  std::size_t free(std::size_t begun) const;
  /// When that may change by time alone; empty: when a mail ends, or by probe_now().
  std::optional<Instant> next() const;
  delivery::RelayStatus status() const;

  /// Ends a pause: the next mail is tried at once.
  void probe_now();
  /// To be called whenever the status is another, from any thread; it must return at once. Added before the first send.
  void on_change(std::function<void()> changed);

 private:
  class Sending;
  void note_change(const delivery::RelayStatus& before);

  ports::MailSender& sender_;
  ports::Clock& clock_;
  ports::Random& random_;
  ports::Logger& logger_;
  std::vector<std::function<void()>> changed_;
  mutable std::mutex mutex_;
  delivery::RelayState state_;  // guarded by mutex_
};

}  // namespace s3link::pipeline
