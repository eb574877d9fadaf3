#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "ports/delivery_log.hpp"

namespace s3link::test_support {

/// Rows in memory, newest first as given. Not thread-safe.
class FakeDeliveryLog final : public ports::DeliveryLog {
 public:
  Awaitable<Result<std::vector<ports::DeliveryRow>>> list(ports::DeliveryFilter filter) override {
    if (!failures.empty()) {
      Error error = std::move(failures.front());
      failures.pop_front();
      co_return std::unexpected(std::move(error));
    }
    const auto agrees = [](const std::string& wanted, const std::string& got) {
      return wanted.empty() || wanted == got;
    };
    std::vector<ports::DeliveryRow> out;
    for (const auto& row : rows) {
      if (out.size() == filter.limit) break;
      if (agrees(filter.state, row.state) && agrees(filter.bucket, row.bucket) && agrees(filter.key, row.key) &&
          agrees(filter.sequencer, row.sequencer) && agrees(filter.recipient, row.recipient) &&
          (!filter.since || row.created >= *filter.since) && (!filter.until || row.created < *filter.until) &&
          (!filter.after_event || row.event_id < *filter.after_event ||
           (row.event_id == *filter.after_event && row.recipient > filter.after_recipient))) {
        out.push_back(row);
      }
    }
    co_return out;
  }

  std::vector<ports::DeliveryRow> rows;
  std::deque<Error> failures;  ///< handed out first, in order
};

}  // namespace s3link::test_support
