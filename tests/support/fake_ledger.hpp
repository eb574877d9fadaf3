#pragma once

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "ports/ledger.hpp"

namespace s3link::test_support {

/// A ledger in memory, with failures to order. One executor at a time.
class FakeLedger final : public ports::Ledger {
 public:
  Awaitable<Result<bool>> contains(ports::LedgerKey key) override {
    if (!contains_failures.empty()) co_return std::unexpected(take(contains_failures));
    co_return has(key);
  }
  Awaitable<Result<std::optional<Instant>>> sent_before(ports::LedgerKey key, std::size_t more) override {
    std::vector<Instant> sent;
    for (const auto& entry : entries) {
      key.sequencer = entry.key.sequencer;
      if (entry.key == key) sent.push_back(entry.sent);
    }
    std::ranges::sort(sent, std::ranges::greater());
    co_return more < sent.size() ? std::optional(sent[more]) : std::nullopt;
  }
  Awaitable<Status> record_sent(ports::LedgerEntry entry) override {
    if (!record_failures.empty()) co_return std::unexpected(take(record_failures));
    if (!has(entry.key)) entries.push_back(std::move(entry));
    co_return Status{};
  }

  std::vector<ports::LedgerEntry> entries;
  std::deque<Error> contains_failures;  ///< handed out first, in order
  std::deque<Error> record_failures;

 private:
  static Error take(std::deque<Error>& failures) {
    Error error = std::move(failures.front());
    failures.pop_front();
    return error;
  }
  bool has(const ports::LedgerKey& key) const {
    return std::ranges::any_of(entries, [&](const auto& entry) { return entry.key == key; });
  }
};

}  // namespace s3link::test_support
