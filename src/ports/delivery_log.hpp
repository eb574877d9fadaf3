#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// What became of one event, or of one recipient's mail of a delivered event.
struct DeliveryRow {
  std::int64_t event_id = 0;
  std::string state;  ///< "pending", "delivered", "dead", "dropped"
  std::string bucket;
  std::string key;
  std::string sequencer;
  std::string recipient;   ///< delivered only
  std::string message_id;  ///< delivered only
  std::string detail;      ///< the relay's reply, or the reason
  unsigned attempts = 0;   ///< failed ones
  Instant created;
  std::optional<Instant> when;      ///< sent, given up or dropped; pending: next attempt
  std::optional<Instant> deadline;  ///< delivered only
  std::string trace = {};           ///< EventOrigin's; empty: none
};

struct DeliveryFilter {
  std::string state;                             ///< empty: all
  std::string bucket;                            ///< empty: all
  std::string key;                               ///< empty: all
  std::string sequencer;                         ///< empty: all
  std::size_t limit = 100;                       ///< 1 to 1001
  std::string recipient = {};                    ///< of mails that were sent or given up; empty: all
  std::optional<Instant> since = {};             ///< uploaded then or later
  std::optional<Instant> until = {};             ///< uploaded before
  std::optional<std::int64_t> after_event = {};  ///< only what comes after this event's mail to `after_recipient`
  std::string after_recipient = {};
};

/// For people and `s3link deliveries`: newest event first, of one event by recipient. Thread safety: any number of
/// calls at a time.
class DeliveryLog {
 public:
  virtual ~DeliveryLog() = default;
  virtual Awaitable<Result<std::vector<DeliveryRow>>> list(DeliveryFilter filter) = 0;
};

}  // namespace s3link::ports
