#pragma once

#include <cstddef>

namespace s3link::delivery {

/// Deliveries under way. An event that has failed before is a retried one, whoever puts it into the outbox again.
struct InFlight {
  std::size_t fresh = 0;
  std::size_t retried = 0;
  bool last_was_retried = false;  ///< the one started last
};

/// How many entries may be taken from the outbox, and of which sort.
struct Room {
  std::size_t total = 0;
  std::size_t retried = 0;    ///< at most that many of them
  bool retried_first = true;  ///< the other sort gets what is left
  bool operator==(const Room&) const = default;
};

/// Of `concurrency` (1 or more) slots a quarter, at least one, is kept for events that have not failed yet: however
/// many events fail for however long, a new one is delivered at once. The rest goes to the retried first, so that a
/// stream of new ones does not keep them waiting. With a single slot the two take turns.
Room room_for(std::size_t concurrency, const InFlight& in_flight) noexcept;

}  // namespace s3link::delivery
