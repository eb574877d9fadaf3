#include "core/delivery/recipient_shares.hpp"

#include <algorithm>
#include <chrono>

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;

/// A mail that takes longer than this is not waited for by others to the same recipient.
constexpr auto kUsual = 10s;
constexpr auto kLeftAlone = 5min;

}  // namespace

RecipientShares::Turn RecipientShares::turn(std::string_view recipient, unsigned connections, Instant now) const {
  if (recipients_ <= 1) return Turn::now;
  const auto found = lanes_.find(recipient);
  if (found == lanes_.end()) return Turn::now;
  const Lane& lane = found->second;
  if (lane.silent_since) {
    const bool left_alone = now >= *lane.silent_since && now < *lane.silent_since + kLeftAlone;
    if (left_alone || under_way_to_silent() >= std::max(1U, connections / 2)) return Turn::later;
  }
  const std::size_t share = (connections + recipients_ - 1) / recipients_;
  if (lane.under_way < share) return Turn::now;
  return now >= lane.last_begin + kUsual ? Turn::later : Turn::soon;
}

void RecipientShares::begin(std::string_view recipient, Instant now) {
  Lane& lane = lanes_[std::string(recipient)];
  ++lane.under_way;
  lane.last_begin = now;
}

void RecipientShares::end(std::string_view recipient, End how, Instant now) {
  const auto found = lanes_.find(recipient);
  if (found == lanes_.end()) return;
  Lane& lane = found->second;
  --lane.under_way;
  if (how == End::silent) lane.silent_since = now;
  if (how == End::answered) lane.silent_since.reset();
  if (lane.under_way == 0 && !lane.silent_since) lanes_.erase(found);
}

unsigned RecipientShares::under_way_to_silent() const {
  unsigned count = 0;
  for (const auto& [recipient, lane] : lanes_) {
    if (lane.silent_since) count += lane.under_way;
  }
  return count;
}

}  // namespace s3link::delivery
