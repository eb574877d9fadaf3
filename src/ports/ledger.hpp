#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// What makes a delivery one: (bucket, key, sequencer, recipient, kind). The Message-ID is derived from it.
struct LedgerKey {
  std::string bucket;
  std::string key;
  std::string sequencer;  ///< or version id; distinguishes writes under one key
  std::string recipient;
  std::string kind = "link";

  bool operator==(const LedgerKey&) const = default;
};

struct LedgerEntry {
  LedgerKey key;
  std::string message_id;  ///< with angle brackets
  Instant sent;
  Instant deadline;   ///< when the mailed link dies
  std::string reply;  ///< the relay's answer
};

/// Which deliveries have been made; makes a repeated event harmless.
/// Durability: on return of record_sent the entry is committed and synced. Thread safety: any number of calls at a
/// time.
class Ledger {
 public:
  virtual ~Ledger() = default;

  virtual Awaitable<Result<bool>> contains(LedgerKey key) = 0;
  /// When a mail of that kind about that bucket and key, whatever the sequencer, went to that recipient: the last of
  /// them but `more` others. Empty: there were not so many.
  virtual Awaitable<Result<std::optional<Instant>>> sent_before(LedgerKey key, std::size_t more) = 0;
  /// Recording a key twice is no error; the first entry stays.
  virtual Awaitable<Status> record_sent(LedgerEntry entry) = 0;
};

}  // namespace s3link::ports
