// What every MailSender does, whatever mail system is behind it.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>

#include "adapters/smtp/outbox_folder.hpp"
#include "adapters/smtp/smtp_sender.hpp"
#include "support/fake_mail_sender.hpp"
#include "support/run_sync.hpp"
#include "support/scripted_relay.hpp"

namespace s3link {
namespace {

using test_support::run_sync;

/// A sender, and what has arrived behind it.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual ports::MailSender& sender() = 0;
  virtual std::vector<std::string> arrived() = 0;
};

class Fake final : public Subject {
 public:
  ports::MailSender& sender() override { return sender_; }
  std::vector<std::string> arrived() override {
    std::vector<std::string> out;
    for (const auto& mail : sender_.sent) out.emplace_back(mail.rfc5322.reveal());
    return out;
  }

 private:
  test_support::FakeMailSender sender_;
};

class Folder final : public Subject {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "s3link-contract-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    auto opened = smtp::OutboxFolder::open(folder_);
    EXPECT_TRUE(opened);
    sender_ = std::move(*opened);
  }
  ~Folder() override {
    sender_.reset();
    std::filesystem::remove_all(folder_);
  }
  ports::MailSender& sender() override { return *sender_; }
  std::vector<std::string> arrived() override {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      std::ifstream file(entry.path(), std::ios::binary);
      out.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return out;
  }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<smtp::OutboxFolder> sender_;
};

class Relay final : public Subject {
 public:
  Relay() {
    smtp::RelaySettings settings;
    settings.url = {.host = "127.0.0.1",
                    .port = relay_.port(),
                    .user = "",
                    .implicit_tls = false,
                    .starttls = mail::StartTls::never};
    settings.concurrency = 4;
    sender_ = std::make_unique<smtp::SmtpSender>(std::move(settings));
  }
  ports::MailSender& sender() override { return *sender_; }
  std::vector<std::string> arrived() override {
    std::vector<std::string> out;
    for (const auto& message : relay_.messages()) out.push_back(message.data);
    return out;
  }

 private:
  test_support::ScriptedRelay relay_{{}};
  std::unique_ptr<smtp::SmtpSender> sender_;
};

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Subject>()> make;
};
const std::vector<Kind> kKinds = {
    {"FakeMailSender", [] { return std::make_unique<Fake>(); }},
    {"OutboxFolder", [] { return std::make_unique<Folder>(); }},
    {"SmtpSender", [] { return std::make_unique<Relay>(); }},
};

mail::Mail message(unsigned number, const std::string& text) {
  return {"files@example.org", "you@example.net", "<" + std::to_string(number) + "@example.org>",
          Secret(std::string(text))};
}

class MailSenderContract : public testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<Subject> subject_ = GetParam().make();
};

TEST_P(MailSenderContract, HandsOnEveryByte) {
  const std::string text =
      "Subject: s\r\n\r\n.\r\n..\r\n.leading dot\r\n\r\nFrom here\r\n" + std::string(998, 'x') + "\r\n \r\nend =\r\n";
  const auto receipt = run_sync(subject_->sender().send(message(1, text)));
  ASSERT_TRUE(receipt) << receipt.error().error.message;
  EXPECT_EQ(subject_->arrived(), std::vector{text});
}

TEST_P(MailSenderContract, ReceiptIsOneLine) {
  const auto receipt = run_sync(subject_->sender().send(message(1, "Subject: s\r\n\r\nhttps://secret.example\r\n")));
  ASSERT_TRUE(receipt);
  EXPECT_FALSE(receipt->reply.empty());
  EXPECT_FALSE(receipt->reply.contains('\n') || receipt->reply.contains("secret")) << receipt->reply;
}

TEST_P(MailSenderContract, TakesAMessageOfAMegabyte) {
  std::string text = "Subject: s\r\n\r\n";
  while (text.size() < 1'000'000) text += std::string(70, static_cast<char>('a' + text.size() % 26)) + "\r\n";
  ASSERT_TRUE(run_sync(subject_->sender().send(message(1, text))));
  EXPECT_EQ(subject_->arrived(), std::vector{text});
}

TEST_P(MailSenderContract, RepeatIsTakenAgain) {
  ASSERT_TRUE(run_sync(subject_->sender().send(message(1, "Subject: s\r\n\r\nfirst\r\n"))));
  ASSERT_TRUE(run_sync(subject_->sender().send(message(1, "Subject: s\r\n\r\nagain\r\n"))));
  const auto arrived = subject_->arrived();
  EXPECT_TRUE(std::ranges::find(arrived, "Subject: s\r\n\r\nagain\r\n") != arrived.end());
}

TEST_P(MailSenderContract, TakesManyAtATime) {
  asio::io_context io;
  std::vector<std::string> want;
  int taken = 0;
  for (unsigned i = 0; i < 50; ++i) {
    want.push_back("Subject: " + std::to_string(i) + "\r\n\r\nbody\r\n");
    asio::co_spawn(io, subject_->sender().send(message(i, want.back())),
                   [&taken](std::exception_ptr failure, const ports::SendResult& receipt) {
                     EXPECT_FALSE(failure);
                     taken += receipt ? 1 : 0;
                   });
  }
  io.run();
  EXPECT_EQ(taken, 50);
  auto arrived = subject_->arrived();
  std::ranges::sort(arrived);
  std::ranges::sort(want);
  EXPECT_EQ(arrived, want);
}

INSTANTIATE_TEST_SUITE_P(Senders, MailSenderContract, testing::ValuesIn(kKinds),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace s3link
