#include "core/delivery/room.hpp"

#include <algorithm>

namespace s3link::delivery {

Room room_for(std::size_t concurrency, const InFlight& in_flight) noexcept {
  const std::size_t total = concurrency - std::min(concurrency, in_flight.fresh + in_flight.retried);
  if (concurrency == 1) return {total, total, !in_flight.last_was_retried};
  const std::size_t share = concurrency - std::max<std::size_t>(1, concurrency / 4);
  return {total, std::min(total, share - std::min(share, in_flight.retried)), true};
}

}  // namespace s3link::delivery
