#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "ports/alarm_store.hpp"
#include "ports/clock.hpp"
#include "services/server/api_document.hpp"

namespace s3link::server {

struct AlarmsSettings {
  std::uint64_t dead_letter_threshold = 5;
  std::chrono::seconds oldest_event = std::chrono::hours(1);
  std::vector<std::string> subscribers;  ///< the configured ones
};

/// GET /_/api/v1/alarms: each alarm with its state, since when, what was measured just now, and what was told last;
/// each subscriber with what became of what it was to be told. docs/operations.md lists the members.
class AlarmsDocument final : public ApiDocument {
 public:
  /// The store and the clock must outlive it.
  AlarmsDocument(AlarmsSettings settings, ports::AlarmStore& store, ports::Clock& clock);

  std::string_view path() const noexcept override { return "/_/api/v1/alarms"; }
  Awaitable<Result<std::string>> read() override;

 private:
  AlarmsSettings settings_;
  ports::AlarmStore& store_;
  ports::Clock& clock_;
};

}  // namespace s3link::server
