#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/delivery/retry_policy.hpp"

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
struct Dropped {  ///< a rule says that there is nothing to deliver: "folder_marker", "test_event", "object_gone"
  Reason rule;
  bool operator==(const Dropped&) const = default;
};
struct Undeliverable {  ///< no attempt can succeed: "unlinkable_key"
  Reason reason;
  bool operator==(const Undeliverable&) const = default;
};
struct Failed {
  Error error;
  std::string recipient = {};  ///< as in Reason
  std::string reply = {};      ///< as in Reason
  bool operator==(const Failed&) const = default;
};
struct InHand {  ///< another entry of the same event is being delivered; what becomes of it decides about this one
  bool operator==(const InHand&) const = default;
};
using Outcome = std::variant<Delivered, Dropped, Undeliverable, Failed, InHand>;

/// What is to be done with the outbox entry after it.
struct Complete {
  bool operator==(const Complete&) const = default;
};
struct Retry {
  Instant due;
  Reason reason;
  bool operator==(const Retry&) const = default;
};
struct Postpone {  ///< as a retry, but it was no attempt
  Instant due;
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

/// The life of an outbox entry after an attempt. `failed_before` counts earlier failed attempts; `random` is the
/// jitter. A permanent error, or the last attempt the policy allows, makes a dead letter.
Action next(const RetryPolicy& policy, unsigned failed_before, const Outcome& outcome, Instant now,
            std::uint64_t random);

/// One failure for an attempt in which several recipients failed: what may pass decides over what cannot, so that
/// nobody is given up early; the texts are joined, up to some kilobytes. Empty: none failed.
std::optional<Failed> combine(const std::vector<Failed>& failures);

/// Whether a link to this key survives a browser: a segment "." or ".." is collapsed by every URL parser,
/// percent-encoded as "%2e" or not (WHATWG URL, "double-dot URL path segment"), so the link would name another object.
bool is_linkable(std::string_view key) noexcept;

}  // namespace s3link::delivery
