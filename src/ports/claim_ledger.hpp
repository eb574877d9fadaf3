#pragma once

#include <string>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/trace/segment.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// What is to be mailed once: one version of an object, to one recipient.
struct ClaimKey {
  std::string bucket;
  std::string key;
  std::string version;  ///< the ETag without quotes, which events and listings both give
  std::string recipient;
  /// Tells a second upload of the same bytes from a repeated event: the event record's sequencer, empty where it is not
  /// known (a listing), and the moment at which that version is known to have been the current one.
  std::string sequencer;
  Instant seen;
  /// Without a sequencer: when that version was made, as the listing says. What was mailed when it was seen at this
  /// moment or later is the same upload. The epoch: not known, `seen` stands in.
  Instant modified{};
};

enum class Claim {
  won,   ///< ours until the lease ends
  held,  ///< somebody else's lease runs: try again later
  done,  ///< mailed already
};

/// Which mails have been sent, for a function of which several may run at a time: claim → send → record. A claim is a
/// lease: when its holder dies, it ends, and another may claim; so a crash can repeat a mail, never lose one.
/// Durability: on return the change is stored. Every call hangs a subsegment into `under`, and ends by `deadline`.
/// Errors: transient, denied. Thread safety: any number of calls at a time on its executor.
class ClaimLedger {
 public:
  virtual ~ClaimLedger() = default;

  /// `owner` names the holder (the request id). A claim of the same owner is renewed. What is done can be won again
  /// only by a later upload of the same bytes: a greater sequencer (event::comparable_sequencer) where both are known,
  /// else our `seen` (without sequencer: our `modified`) after the entry's `seen`.
  virtual Awaitable<Result<Claim>> claim(ClaimKey key, std::string owner, Instant now, Instant lease_until,
                                         Instant deadline, trace::Segment& under) = 0;
  /// The mail was sent: from now on the claim is done. `keep_until`: when the entry may be forgotten.
  virtual Awaitable<Status> record_sent(ClaimKey key, std::string owner, std::string message_id, Instant sent,
                                        Instant keep_until, Instant deadline, trace::Segment& under) = 0;
  /// The mail was certainly not sent: the next attempt need not wait for the lease's end.
  virtual Awaitable<Status> release(ClaimKey key, std::string owner, Instant deadline, trace::Segment& under) = 0;
  /// Whether this version was mailed: an entry that is done and whose `seen` is not before `modified`.
  virtual Awaitable<Result<bool>> knows(ClaimKey key, Instant modified, Instant deadline, trace::Segment& under) = 0;

  /// Where the sweep goes on: what the last save_sweep_cursor stored; empty when there is nothing to resume.
  virtual Awaitable<Result<std::string>> sweep_cursor(Instant deadline, trace::Segment& under) = 0;
  virtual Awaitable<Status> save_sweep_cursor(std::string cursor, Instant deadline, trace::Segment& under) = 0;
};

}  // namespace s3link::ports
