#pragma once

#include <filesystem>
#include <memory>

#include "core/base/result.hpp"
#include "ports/mail_sender.hpp"

namespace s3link::smtp {

/// Writes each message as an .eml file into a folder, for a person or another program to fetch. The file has mode 0600,
/// is synced, and appears complete under its name, which follows from the Message-ID: a repeat replaces it.
/// Must be destroyed before the io_context its callers run on.
class OutboxFolder final : public ports::MailSender {
 public:
  /// Makes the folder (0700) where it is missing, and removes what an interrupted write left in it.
  /// Errors: internal, naming the folder.
  static Result<std::unique_ptr<OutboxFolder>> open(std::filesystem::path folder);
  ~OutboxFolder() override;

  /// The reply is the path of the file. A folder that was removed and made again is found again. Errors: transient (no
  /// folder, no space, I/O), the relay's trouble.
  Awaitable<ports::SendResult> send(mail::Mail mail) override;

 private:
  class Impl;
  explicit OutboxFolder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace s3link::smtp
