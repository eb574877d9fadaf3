#include "services/pipeline/redrive.hpp"

#include <algorithm>
#include <utility>

#include "core/delivery/decision.hpp"
#include "core/event/event_record.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;

Refusal not_there(std::int64_t id) { return {id, "not_found", "there is no dead letter with this id"}; }

/// "17,18,19", the first twenty.
std::string listed(const std::vector<std::int64_t>& ids) {
  constexpr std::size_t kMost = 20;
  std::string out;
  for (std::size_t i = 0; i < std::min(kMost, ids.size()); ++i) out += (i == 0 ? "" : ",") + std::to_string(ids[i]);
  if (ids.size() > kMost) out += ",…";
  return out;
}

/// Of the wanted ids, those that are not among the done ones were gone by then.
void refuse_missing(const std::vector<std::int64_t>& wanted, Redriven& outcome) {
  for (const std::int64_t id : wanted) {
    if (std::ranges::find(outcome.done, id) == outcome.done.end()) outcome.refused.push_back(not_there(id));
  }
}

}  // namespace

Awaitable<Result<Redriven>> Redrive::redrive(std::vector<std::int64_t> ids, RedriveOrigin origin) {
  Redriven outcome;
  std::vector<std::int64_t> possible;
  for (const std::int64_t id : ids) {
    auto objection = co_await find_objection(id);
    if (!objection) co_return std::unexpected(objection.error());
    if (*objection) {
      outcome.refused.push_back(std::move(**objection));
    } else {
      possible.push_back(id);
    }
  }
  if (!possible.empty()) {
    auto done = co_await queue_.redrive(possible, clock_.now());
    if (!done) co_return std::unexpected(done.error());
    redriven_.fetch_add(done->size(), std::memory_order_relaxed);
    outcome.done = std::move(*done);
    refuse_missing(possible, outcome);
  }
  log("dead letters redriven", outcome, std::move(origin));
  co_return outcome;
}

Awaitable<Result<Redriven>> Redrive::drop(std::vector<std::int64_t> ids, RedriveOrigin origin) {
  auto done = co_await queue_.drop(ids, clock_.now(),
                                   {.kind = "dropped_by_operator", .message = "an operator gave it up for good"});
  if (!done) co_return std::unexpected(done.error());
  dropped_.fetch_add(done->size(), std::memory_order_relaxed);
  Redriven outcome{.done = std::move(*done), .refused = {}};
  refuse_missing(ids, outcome);
  log("dead letters dropped", outcome, std::move(origin));
  co_return outcome;
}

Awaitable<Result<std::optional<Refusal>>> Redrive::find_objection(std::int64_t id) {
  const auto letter = co_await queue_.get(id);
  if (!letter && letter.error().kind == ErrorKind::not_found) co_return not_there(id);
  if (!letter) co_return std::unexpected(letter.error());

  const auto notification = event::parse_notification(letter->event_json);
  if (!notification || notification->records.size() != 1)
    co_return Refusal{id, "unreadable_event", "its event cannot be read"};
  const event::EventRecord& record = notification->records.front();
  const auto bucket = s3::BucketName::parse(record.bucket);
  const auto key = s3::ObjectKey::parse(record.key);
  if (!bucket || !key) co_return Refusal{id, "unreadable_event", "its event names no bucket or no key"};
  if (!delivery::is_linkable(record.key))
    co_return Refusal{id, "unlinkable_key", "browsers would make another name of its key"};

  const auto object = co_await buckets_.head_object(*bucket, *key);
  if (!object && object.error().kind == ErrorKind::not_found)
    co_return Refusal{id, "object_gone", "the object was removed"};
  if (!object) co_return std::unexpected(object.error());
  if (object->sequencer != record.sequencer) co_return Refusal{id, "replaced", "the object was replaced"};
  if (object->removed_at && *object->removed_at < clock_.now() + 1s)
    co_return Refusal{id, "object_gone", "the object is removed before a link to it could be used"};
  co_return std::nullopt;
}

void Redrive::log(std::string_view what, const Redriven& outcome, RedriveOrigin origin) {
  logger_.log(ports::LogLevel::info, what,
              {{"count", std::to_string(outcome.done.size())},
               {"refused", std::to_string(outcome.refused.size())},
               {"event_ids", listed(outcome.done)},
               {"request_id", std::move(origin.request_id)},
               {"trace_id", std::move(origin.trace_id)}});
}

}  // namespace s3link::pipeline
