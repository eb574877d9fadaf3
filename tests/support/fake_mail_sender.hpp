#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ports/mail_sender.hpp"

namespace s3link::test_support {

/// Keeps the messages it took, with failures to order. One executor at a time.
class FakeMailSender final : public ports::MailSender {
 public:
  Awaitable<ports::SendResult> send(mail::Mail mail) override {
    tried.push_back(mail.message_id);
    if (before_send) co_await before_send(mail.envelope_to);
    auto& failures = failures_of[mail.envelope_to];
    if (!failures.empty()) {
      ports::SendFailure error = std::move(failures.front());
      failures.pop_front();
      co_return std::unexpected(std::move(error));
    }
    sent.push_back(std::move(mail));
    co_return ports::MailReceipt{"250 2.0.0 fake-" + std::to_string(sent.size())};
  }

  std::map<std::string, std::deque<ports::SendFailure>> failures_of;  ///< by recipient, handed out first, in order
  std::function<Awaitable<void>(std::string)> before_send;            ///< may wait, or throw
  std::vector<mail::Mail> sent;
  std::vector<std::string> tried;  ///< Message-IDs, sent or not
};

}  // namespace s3link::test_support
