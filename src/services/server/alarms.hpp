#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/delivery/clock_watch.hpp"
#include "core/delivery/relay_state.hpp"
#include "ports/alarm_store.hpp"
#include "ports/clock.hpp"
#include "services/server/api_document.hpp"

namespace s3link::server {

struct AlarmsSettings {
  std::uint64_t dead_letter_threshold = 0;
  std::chrono::seconds max_wait = std::chrono::hours(1);
  std::vector<std::string> subscribers;               ///< the configured ones
  std::function<delivery::RelayStatus()> relay = {};  ///< of the link mails; from any thread. Empty: none
  std::function<delivery::ClockStatus()> clock = {};  ///< the machine's; in the same way
  std::function<std::optional<Instant>()> storage_fails_since = {};  ///< from any thread; empty: not watched
};

/// GET /_/api/v1/alarms: each alarm with its state, since when, what was measured just now, and what was told last;
/// each subscriber with what became of what it was to be told; the relay's state. docs/operations.md lists the members.
class AlarmsDocument final : public ApiDocument {
 public:
  /// The store and the clock must outlive it.
  AlarmsDocument(AlarmsSettings settings, ports::AlarmStore& store, ports::Clock& clock);

  static constexpr std::string_view kPath = "/_/api/v1/alarms";
  std::string_view path() const noexcept override { return kPath; }
  Awaitable<Result<std::string>> read() override;

 private:
  AlarmsSettings settings_;
  ports::AlarmStore& store_;
  ports::Clock& clock_;
};

}  // namespace s3link::server
