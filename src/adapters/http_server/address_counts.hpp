#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "core/base/ip_address.hpp"

namespace s3link::http_server {

/// How many connections each address has. Thread safety: any.
class AddressCounts {
 public:
  /// `limit` 0: no limit. `exempt` have none, nor has the loopback: behind them are many clients.
  AddressCounts(std::size_t limit, std::vector<IpNetwork> exempt) : limit_(limit), exempt_(std::move(exempt)) {}

  bool is_limited(const IpAddress& address) const {
    return limit_ != 0 && !address.is_loopback() &&
           std::ranges::none_of(exempt_, [&](const IpNetwork& network) { return network.contains(address); });
  }
  /// One more connection of a limited address. False: it has as many as it may.
  bool enter(const IpAddress& address) {
    const std::scoped_lock lock(mutex_);
    std::size_t& count = counts_[address];
    if (count >= limit_) return false;
    ++count;
    return true;
  }
  /// One that was let in is gone.
  void leave(const IpAddress& address) {
    const std::scoped_lock lock(mutex_);
    const auto at = counts_.find(address);
    if (at != counts_.end() && --at->second == 0) counts_.erase(at);
  }

 private:
  const std::size_t limit_;
  const std::vector<IpNetwork> exempt_;
  std::mutex mutex_;
  std::map<IpAddress, std::size_t> counts_;  // guarded by mutex_; none is 0
};

}  // namespace s3link::http_server
