#pragma once

#include "core/base/result.hpp"

namespace s3link::mail {

/// Whose trouble a failed send is: it tells what is to wait, and what is to go on.
enum class FailureScope {
  message,    ///< this message's: others may pass
  recipient,  ///< this recipient's: the same message may pass for others
  relay,      ///< the relay's, or the way to it: no other message would fare better now
  ours,       ///< this machine's, or our own fault: the message was not tried, or what came of it is not known
  nobody,     ///< it was not tried: its turn comes later
};

/// "message", "recipient", "relay", "ours", "nobody".
constexpr const char* to_string(FailureScope scope) noexcept {
  switch (scope) {
    case FailureScope::message:
      return "message";
    case FailureScope::recipient:
      return "recipient";
    case FailureScope::relay:
      return "relay";
    case FailureScope::ours:
      return "ours";
    case FailureScope::nobody:
      break;
  }
  return "nobody";
}

/// Why a message was not taken.
struct SendFailure {
  Error error;  ///< the message is the relay's own words; the code is the reply code ("550"), or empty: it said nothing
  FailureScope scope = FailureScope::message;
  bool may_have_been_taken = false;  ///< it was handed over, and no answer came: a repeat may be a second mail
  bool operator==(const SendFailure&) const = default;
};

}  // namespace s3link::mail
