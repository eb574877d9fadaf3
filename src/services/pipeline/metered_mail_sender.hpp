#pragma once

#include <array>
#include <cstdint>

#include "core/metrics/histogram.hpp"
#include "ports/clock.hpp"
#include "ports/mail_sender.hpp"

namespace s3link::pipeline {

/// Another sender, with a count of its mails by what came of them, and of the time each took.
class MeteredMailSender final : public ports::MailSender {
 public:
  /// Both must outlive it.
  MeteredMailSender(ports::MailSender& sender, ports::Clock& clock) : sender_(sender), clock_(clock) {}

  Awaitable<ports::SendResult> send(mail::Mail mail) override;

  /// s3link_relay_duration_seconds by result: "accepted", "refused" (for good), "failed" (may pass).
  metrics::Family family() const;

 private:
  static constexpr std::array<std::uint64_t, 14> kBounds = {5'000,      10'000,     25'000,     50'000,     100'000,
                                                            250'000,    500'000,    1'000'000,  2'500'000,  5'000'000,
                                                            10'000'000, 30'000'000, 60'000'000, 120'000'000};

  ports::MailSender& sender_;
  ports::Clock& clock_;
  metrics::Histogram accepted_{kBounds, metrics::kMicroseconds};
  metrics::Histogram refused_{kBounds, metrics::kMicroseconds};
  metrics::Histogram failed_{kBounds, metrics::kMicroseconds};
};

}  // namespace s3link::pipeline
