#pragma once

#include <optional>

#include "core/base/result.hpp"
#include "core/delivery/clock_watch.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// What is remembered of the machine's clocks from one run to the next.
/// Durability: on return the change is committed and synced. Thread safety: any number of calls at a time.
class ClockStore {
 public:
  virtual ~ClockStore() = default;

  /// What save() was given last. Where it never was, and there is something in the store: made of the newest instant
  /// there, as if that had been all that the last run knew. Empty: there is nothing.
  virtual Awaitable<Result<std::optional<delivery::ClockRecord>>> load() = 0;
  virtual Awaitable<Status> save(delivery::ClockRecord record) = 0;
};

}  // namespace s3link::ports
