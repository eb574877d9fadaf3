#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/smtp/relay.hpp"
#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "ports/awaitable.hpp"

namespace s3link::smtp {

/// How far a conversation with a relay came.
enum class ProbeStep {
  connection,  ///< name, TCP, greeting, EHLO
  encryption,  ///< STARTTLS or TLS from the first byte, certificate
  login,       ///< AUTH
  sender,      ///< MAIL FROM
  recipients,  ///< RCPT TO
};

/// What a relay says of mails that it would be given. The texts are the relay's own words, and hold no password.
struct ProbeReport {
  struct Refusal {
    std::string recipient;
    Error error;
  };
  bool encrypted = false;
  std::string mechanism;               ///< that we logged in by; empty: nobody did
  std::optional<ProbeStep> failed_at;  ///< empty: every step was done
  Error error;                         ///< of that step: transient or denied, as MailSender's
  std::vector<Refusal> refused;        ///< recipients, at step recipients
};

/// Says to a relay what it takes to hand in a mail, up to and without DATA: connection, EHLO, STARTTLS, AUTH, MAIL
/// FROM, RCPT TO; then RSET and QUIT. Nothing is sent. settings.in_all is the time of all of it. Must be destroyed
/// before the io_context its callers run on.
class RelayProbe {
 public:
  /// `secret` is the password or token of settings.url.user.
  explicit RelayProbe(RelaySettings settings, Secret secret = {});
  ~RelayProbe();

  /// `sender` and `recipients` are addr-specs. Errors: internal (no libcurl, no thread), transient (cancelled).
  Awaitable<Result<ProbeReport>> ask(std::string sender, std::vector<std::string> recipients);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace s3link::smtp
