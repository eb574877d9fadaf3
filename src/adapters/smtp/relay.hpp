#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/mail/relay_auth.hpp"
#include "core/mail/relay_url.hpp"

namespace s3link::smtp {

/// How long a relay is waited for, step by step. Source: RFC 5321 §4.5.3.2.
struct RelayTimeouts {
  std::chrono::milliseconds connect = std::chrono::seconds(30);    ///< name and TCP
  std::chrono::milliseconds reply = std::chrono::minutes(5);       ///< greeting, TLS, EHLO, AUTH, MAIL, RCPT
  std::chrono::milliseconds data_start = std::chrono::minutes(2);  ///< the answer to DATA
  std::chrono::milliseconds data_block = std::chrono::minutes(3);  ///< while nothing of the message can be sent
  std::chrono::milliseconds data_end = std::chrono::minutes(10);   ///< the answer to the final dot
};

/// Which relay takes our mail, and how. With smtps and starttls=required its certificate is verified; with
/// starttls=optional it is not, which protects from listeners only.
struct RelaySettings {
  mail::RelayUrl url;
  mail::RelayAuth auth = mail::RelayAuth::automatic;
  std::string section = "email";   ///< of the configuration, for messages: "email", "alarm"
  std::string helo_name;           ///< for EHLO; empty: this machine's full name, else the sender's domain
  std::string ca_file, ca_folder;  ///< PEM; both empty: SSL_CERT_FILE, SSL_CERT_DIR, else the system's roots
  unsigned concurrency = 16;       ///< connections at a time; 1 or more
  RelayTimeouts timeouts;
  std::optional<std::chrono::milliseconds> in_all;  ///< besides, for a whole conversation
};

}  // namespace s3link::smtp
