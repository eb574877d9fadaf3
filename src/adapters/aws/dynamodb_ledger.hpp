#pragma once

#include <string>

#include "adapters/aws/signed_call.hpp"
#include "ports/claim_ledger.hpp"

namespace s3link::aws {

/// The claims in a DynamoDB table: partition key `object` (S), sort key `delivery` (S), time to live in `expires` (N,
/// Unix seconds). Every change is one conditional UpdateItem or PutItem. The format: docs/formats/claim-table.md.
class DynamoDbLedger final : public ports::ClaimLedger {
 public:
  /// The caller must outlive the ledger.
  DynamoDbLedger(Caller& caller, Endpoint endpoint, std::string table)
      : caller_(caller), endpoint_(std::move(endpoint)), table_(std::move(table)) {}

  Awaitable<Result<ports::Claim>> claim(ports::ClaimKey key, std::string owner, Instant now, Instant lease_until,
                                        Instant deadline, trace::Segment& under) override;
  Awaitable<Status> record_sent(ports::ClaimKey key, std::string owner, std::string message_id, Instant sent,
                                Instant keep_until, Instant deadline, trace::Segment& under) override;
  Awaitable<Status> release(ports::ClaimKey key, std::string owner, Instant deadline, trace::Segment& under) override;
  Awaitable<Result<bool>> knows(ports::ClaimKey key, Instant modified, Instant deadline,
                                trace::Segment& under) override;
  Awaitable<Result<std::string>> sweep_cursor(Instant deadline, trace::Segment& under) override;
  Awaitable<Status> save_sweep_cursor(std::string cursor, Instant deadline, trace::Segment& under) override;

 private:
  Awaitable<CallResult> call(std::string operation, Secret body, Instant deadline, trace::Segment& under);

  Caller& caller_;
  const Endpoint endpoint_;
  const std::string table_;
};

}  // namespace s3link::aws
