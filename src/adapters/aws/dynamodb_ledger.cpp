#include "adapters/aws/dynamodb_ledger.hpp"

#include <optional>
#include <utility>

#include "adapters/aws/claim_table.hpp"

namespace s3link::aws {
namespace {

using ports::Claim;
using ports::ClaimKey;

/// What the port promises: transient or denied.
Error error_of(CallFailure failure) {
  if (failure.error.kind != ErrorKind::transient) failure.error.kind = ErrorKind::denied;
  return std::move(failure.error);
}

bool is_failed_condition(const CallFailure& failure) { return failure.error.code == "ConditionalCheckFailedException"; }

/// Why the condition of a claim failed, from the item it failed on.
Result<Claim> standing_claim(const std::string& error_document, const ClaimKey& key, const std::string& owner,
                             Instant now) {
  const auto item = claim_table::read_item(error_document);
  if (!item) return std::unexpected(item.error());
  if (*item && claim_table::covers(**item, key)) return Claim::done;
  if (*item && (*item)->lease_owner != owner && (*item)->lease_until > now) return Claim::held;
  return fail(ErrorKind::transient, "DynamoDB refused a claim without the item that stands against it", "unknown");
}

}  // namespace

Awaitable<CallResult> DynamoDbLedger::call(std::string operation, Secret body, Instant deadline,
                                           trace::Segment& under) {
  Call call{
      .operation = operation,
      .fields = {{"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", "DynamoDB_20120810." + operation}},
      .body = std::move(body),
      .idempotent = true,  // each of them, done twice by the same owner, is as done once
      .host_prefix = {}};
  return caller_.call(endpoint_, std::move(call), deadline, under);
}

Awaitable<Result<Claim>> DynamoDbLedger::claim(ClaimKey key, std::string owner, Instant now, Instant lease_until,
                                               Instant deadline, trace::Segment& under) {
  auto answer =
      co_await call("UpdateItem", Secret(claim_table::claim(table_, key, owner, now, lease_until)), deadline, under);
  if (answer) co_return Claim::won;
  if (!is_failed_condition(answer.error())) co_return std::unexpected(error_of(std::move(answer.error())));
  co_return standing_claim(answer.error().body, key, owner, now);
}

Awaitable<Status> DynamoDbLedger::record_sent(ClaimKey key, std::string owner, std::string message_id, Instant sent,
                                              Instant keep_until, Instant deadline, trace::Segment& under) {
  auto answer = co_await call("UpdateItem",
                              Secret(claim_table::record_sent(table_, key, owner, message_id, sent, keep_until, true)),
                              deadline, under);
  if (!answer && is_failed_condition(answer.error())) {
    // Our lease ended meanwhile, and somebody else has one: it stays theirs.
    answer = co_await call("UpdateItem",
                           Secret(claim_table::record_sent(table_, key, owner, message_id, sent, keep_until, false)),
                           deadline, under);
  }
  if (!answer) co_return std::unexpected(error_of(std::move(answer.error())));
  co_return Status{};
}

Awaitable<Status> DynamoDbLedger::release(ClaimKey key, std::string owner, Instant deadline, trace::Segment& under) {
  auto answer = co_await call("UpdateItem", Secret(claim_table::release(table_, key, owner)), deadline, under);
  if (!answer && !is_failed_condition(answer.error())) co_return std::unexpected(error_of(std::move(answer.error())));
  co_return Status{};
}

Awaitable<Result<bool>> DynamoDbLedger::knows(ClaimKey key, Instant modified, Instant deadline, trace::Segment& under) {
  auto answer = co_await call("GetItem", Secret(claim_table::read(table_, key)), deadline, under);
  if (!answer) co_return std::unexpected(error_of(std::move(answer.error())));
  const auto item = claim_table::read_item(answer->body);
  if (!item) co_return std::unexpected(item.error());
  co_return *item && (*item)->sent && (*item)->seen >= modified;
}

Awaitable<Result<std::string>> DynamoDbLedger::sweep_cursor(Instant deadline, trace::Segment& under) {
  auto answer = co_await call("GetItem", Secret(claim_table::read_cursor(table_)), deadline, under);
  if (!answer) co_return std::unexpected(error_of(std::move(answer.error())));
  auto item = claim_table::read_item(answer->body);
  if (!item) co_return std::unexpected(item.error());
  co_return *item ? std::move((*item)->start_after) : std::string();
}

Awaitable<Status> DynamoDbLedger::save_sweep_cursor(std::string cursor, Instant deadline, trace::Segment& under) {
  auto answer = co_await call("PutItem", Secret(claim_table::save_cursor(table_, cursor)), deadline, under);
  if (!answer) co_return std::unexpected(error_of(std::move(answer.error())));
  co_return Status{};
}

}  // namespace s3link::aws
