#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/delivery/retry_policy.hpp"
#include "core/mail/send_failure.hpp"

namespace s3link::delivery {

/// Why an event was not delivered (yet). No text holds a secret.
struct Reason {
  std::string kind;            ///< its class: to_string(ErrorKind), or a rule's name
  std::string message;         ///< a sentence for a person
  std::string recipient = {};  ///< whose mail failed, several separated by ", "; empty: it was nobody's in particular
  std::string reply = {};      ///< the relay's own words, several separated by "; "; empty: no relay spoke
  bool operator==(const Reason&) const = default;
};

/// How one attempt at delivering an event ended.
struct Delivered {  ///< every recipient's mail is in the ledger
  bool operator==(const Delivered&) const = default;
};
struct Dropped {  ///< a rule says that there is nothing to deliver: "folder_marker", "test_event", "object_gone",
                  ///< "replaced"
  Reason rule;
  bool operator==(const Dropped&) const = default;
};
struct Undeliverable {  ///< no attempt can succeed: "unlinkable_key"
  Reason reason;
  bool operator==(const Undeliverable&) const = default;
};
/// One recipient's mail that failed, or what failed before any could be sent.
struct Failure {
  Error error;
  std::string recipient = {};  ///< as in Reason
  std::string reply = {};      ///< as in Reason
  mail::FailureScope scope = mail::FailureScope::message;
  bool may_have_been_taken = false;  ///< a repeat may be a second mail
  bool operator==(const Failure&) const = default;
};
struct Failed {  ///< one or more; recipients that are not named have been mailed
  std::vector<Failure> failures;
  bool operator==(const Failed&) const = default;
};
struct Held {  ///< nothing failed; the mail has to wait until then
  Instant until;
  bool operator==(const Held&) const = default;
};
struct InHand {  ///< another entry of the same event is being delivered; what becomes of it decides about this one
  bool operator==(const InHand&) const = default;
};
using Outcome = std::variant<Delivered, Dropped, Undeliverable, Failed, Held, InHand>;

/// What is to be done with the outbox entry after it.
struct Complete {
  bool operator==(const Complete&) const = default;
};
struct Retry {
  Instant due;
  Reason reason;
  std::vector<Reason> refused = {};  ///< recipients that are not tried again
  bool counts = true;                ///< as an attempt; false: it was no failure of this mail
  bool operator==(const Retry&) const = default;
};
struct Postpone {  ///< as a retry, but it was no attempt
  Instant due;
  std::vector<Reason> refused = {};
  bool operator==(const Postpone&) const = default;
};
struct DeadLetter {
  Reason reason;
  bool operator==(const DeadLetter&) const = default;
};
struct Drop {
  Reason rule;
  bool operator==(const Drop&) const = default;
};
using Action = std::variant<Complete, Retry, Postpone, DeadLetter, Drop>;

/// What is known of an entry besides the outcome of its attempt.
struct Life {
  unsigned failed_before = 0;      ///< attempts
  Instant since{};                 ///< from when on its time is counted: the event, or its last redrive
  std::optional<Instant> removal;  ///< of its object
  std::vector<Reason> refused;     ///< recipients that an earlier attempt gave up
};

/// A repeat of what may have been taken waits so long, or half of what is left until the event is given up.
inline constexpr std::chrono::minutes kUnconfirmedWait{10};

/// Of a mail whose turn has not come.
inline constexpr std::chrono::seconds kShortestWait{5};
inline constexpr std::chrono::minutes kLongestWait{5};

/// The life of an outbox entry after an attempt; `random` is the jitter.
/// - Each recipient's fate is its own: one that is refused for good is not tried again, while the others are; when
///   nothing is left to be tried, the event becomes a dead letter that names the refused.
/// - The relay's trouble is no attempt: the entry waits, as the relay's state says. Nor is our own, or an answer that
/// is
///   missing after the whole message was sent.
/// - A mail whose turn has not come waits for as long again as it has waited, within kShortestWait and kLongestWait.
/// - Whatever fails is tried a last time at gives_up_at(), and then is a dead letter; so is what failed max_attempts
///   times. Its reason's kind is "relay_unavailable" or "relay_login" where it was the relay's trouble alone.
/// - A retry of what may have been taken has the kind "unconfirmed".
Action next(const RetryPolicy& policy, const Life& life, const Outcome& outcome, Instant now, std::uint64_t random);

/// One reason for several: what may pass decides over what cannot; the texts are joined, up to some kilobytes.
/// `failures` must not be empty.
Reason combine(const std::vector<Failure>& failures);

/// Whether a link to this key survives a browser: a segment "." or ".." is collapsed by every URL parser,
/// percent-encoded as "%2e" or not (WHATWG URL, "double-dot URL path segment"), so the link would name another object.
bool is_linkable(std::string_view key) noexcept;

}  // namespace s3link::delivery
