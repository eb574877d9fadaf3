#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "core/event/event_record.hpp"
#include "ports/claim_ledger.hpp"
#include "ports/clock.hpp"

namespace s3link::test_support {

/// A ledger of claims in memory, with leases that end as the caller's `now` says, and failures to order. One executor
/// at a time.
class FakeClaimLedger final : public ports::ClaimLedger {
 public:
  using EntryKey = std::tuple<std::string, std::string, std::string, std::string>;
  struct Done {
    std::string sequencer;
    Instant seen;
    std::string message_id;
    Instant keep_until;
  };
  struct Lease {
    std::string owner;
    Instant until;
  };
  struct Entry {
    std::optional<Done> done;
    std::optional<Lease> lease;
  };

  Awaitable<Result<ports::Claim>> claim(ports::ClaimKey key, std::string owner, Instant now, Instant lease_until,
                                        Instant, trace::Segment& under) override {
    note(under, "UpdateItem");
    if (!claim_failures.empty()) co_return std::unexpected(take(claim_failures));
    Entry& entry = entries[entry_key(key)];
    if (entry.done && covers(*entry.done, key)) co_return ports::Claim::done;
    if (entry.lease && entry.lease->until > now && entry.lease->owner != owner) co_return ports::Claim::held;
    entry.lease = Lease{.owner = std::move(owner), .until = lease_until};
    co_return ports::Claim::won;
  }

  Awaitable<Status> record_sent(ports::ClaimKey key, std::string owner, std::string message_id, Instant,
                                Instant keep_until, Instant, trace::Segment& under) override {
    note(under, "UpdateItem");
    if (!record_failures.empty()) co_return std::unexpected(take(record_failures));
    Entry& entry = entries[entry_key(key)];
    entry.done = Done{.sequencer = std::move(key.sequencer),
                      .seen = key.seen,
                      .message_id = std::move(message_id),
                      .keep_until = keep_until};
    if (entry.lease && entry.lease->owner == owner) entry.lease.reset();
    co_return Status{};
  }

  Awaitable<Status> release(ports::ClaimKey key, std::string owner, Instant, trace::Segment& under) override {
    note(under, "UpdateItem");
    if (!release_failures.empty()) co_return std::unexpected(take(release_failures));
    Entry& entry = entries[entry_key(key)];
    if (entry.lease && entry.lease->owner == owner) entry.lease.reset();
    co_return Status{};
  }

  Awaitable<Result<bool>> knows(ports::ClaimKey key, Instant modified, Instant, trace::Segment& under) override {
    note(under, "GetItem");
    if (before_knows) before_knows(key);
    if (!knows_failures.empty()) co_return std::unexpected(take(knows_failures));
    const auto entry = entries.find(entry_key(key));
    co_return entry != entries.end() && entry->second.done && entry->second.done->seen >= modified;
  }

  Awaitable<Result<std::string>> sweep_cursor(Instant, trace::Segment& under) override {
    note(under, "GetItem");
    if (!cursor_failures.empty()) co_return std::unexpected(take(cursor_failures));
    co_return cursor;
  }

  Awaitable<Status> save_sweep_cursor(std::string text, Instant, trace::Segment& under) override {
    note(under, "PutItem");
    if (!save_failures.empty()) co_return std::unexpected(take(save_failures));
    cursor = std::move(text);
    cursors.push_back(cursor);
    co_return Status{};
  }

  std::map<EntryKey, Entry> entries;
  std::string cursor;
  std::deque<std::string> cursors;   ///< all that were saved
  std::deque<Error> claim_failures;  ///< handed out first, in order
  std::deque<Error> record_failures;
  std::deque<Error> release_failures;
  std::deque<Error> knows_failures;
  std::deque<Error> cursor_failures;
  std::deque<Error> save_failures;
  std::function<void(const ports::ClaimKey&)> before_knows;  ///< may throw

 private:
  static EntryKey entry_key(const ports::ClaimKey& key) { return {key.bucket, key.key, key.version, key.recipient}; }
  static bool covers(const Done& done, const ports::ClaimKey& key) {
    const std::string ours = event::comparable_sequencer(key.sequencer);
    const std::string theirs = event::comparable_sequencer(done.sequencer);
    if (!ours.empty() && !theirs.empty()) return ours <= theirs;
    return (key.sequencer.empty() && key.modified != Instant{} ? key.modified : key.seen) <= done.seen;
  }
  static void note(trace::Segment& under, const char* operation) {
    trace::Segment& call = under.children.emplace_back();
    call.name = "DynamoDB";
    call.name_space = "aws";
    call.aws = trace::Segment::Aws{.operation = operation, .region = {}, .request_id = {}, .retries = 0};
  }
  static Error take(std::deque<Error>& failures) {
    Error error = std::move(failures.front());
    failures.pop_front();
    return error;
  }
};

}  // namespace s3link::test_support
