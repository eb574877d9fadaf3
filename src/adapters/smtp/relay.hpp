#pragma once

#include <chrono>
#include <string>

#include "core/base/secret.hpp"
#include "core/mail/relay_url.hpp"

namespace s3link::smtp {

/// Which relay takes our mail, and how. With smtps and starttls=required its certificate is verified; with
/// starttls=optional it is not, which protects from listeners only.
struct RelaySettings {
  mail::RelayUrl url;
  Secret password;            ///< for url.user; without a trailing newline
  std::string ca_file;        ///< PEM; empty: SSL_CERT_FILE where set, else the system's roots
  unsigned concurrency = 16;  ///< connections at a time; 1 or more
  std::chrono::milliseconds connect_timeout{15'000};
  std::chrono::milliseconds timeout{60'000};  ///< one message in all; a relay silent for half of it is given up
};

}  // namespace s3link::smtp
