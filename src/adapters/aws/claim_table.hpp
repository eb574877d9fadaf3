#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "ports/claim_ledger.hpp"

/// The items of the claim table and the requests that change them, as JSON documents of DynamoDB's API. The format:
/// docs/formats/claim-table.md. Source: Amazon DynamoDB Developer Guide, "Update expressions", "Condition and filter
/// expressions, operators, and functions".
namespace s3link::aws::claim_table {

inline constexpr std::int64_t kItemVersion = 1;

/// UpdateItem: takes the lease where no other one runs and nothing that was sent covers the upload. A failed condition
/// is answered with the item.
std::string claim(std::string_view table, const ports::ClaimKey& key, std::string_view owner, Instant now,
                  Instant lease_until);

/// UpdateItem: enters what was sent. `ends_lease`: the lease goes with it, and the condition fails where it is somebody
/// else's; otherwise what there is of a lease stays.
std::string record_sent(std::string_view table, const ports::ClaimKey& key, std::string_view owner,
                        std::string_view message_id, Instant sent, Instant keep_until, bool ends_lease);

/// UpdateItem: gives the lease back; the condition fails where it is not ours.
std::string release(std::string_view table, const ports::ClaimKey& key, std::string_view owner);

/// GetItem, consistent.
std::string read(std::string_view table, const ports::ClaimKey& key);

/// GetItem, consistent; and PutItem.
std::string read_cursor(std::string_view table);
std::string save_cursor(std::string_view table, std::string_view start_after);

/// What is read of an item; what it lacks is empty.
struct Item {
  std::optional<Instant> sent;
  Instant seen;
  std::string sequencer;  ///< comparable
  std::string lease_owner;
  std::optional<Instant> lease_until;
  std::string start_after;  ///< of the cursor's item
};

/// The member "Item" of an answer or error document; empty optional where there is none.
/// Errors: transient (no document of DynamoDB), denied (of a version this program does not know).
Result<std::optional<Item>> read_item(std::string_view document);

/// Whether what was sent is this upload or a later one of the same bytes, as ports::ClaimLedger::claim says.
bool covers(const Item& item, const ports::ClaimKey& key);

}  // namespace s3link::aws::claim_table
