#include "support/fake_dead_letter_queue.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "core/event/event_record.hpp"

namespace s3link::test_support {
namespace {

ports::DeadLetter to_letter(const FakeOutbox::Row& row) {
  ports::DeadLetter letter{.id = row.entry.id,
                           .event_json = row.entry.event_json,
                           .bucket = {},
                           .key = {},
                           .created = row.entry.created,
                           .attempts = row.entry.attempts,
                           .first_failure = *row.entry.first_failure,
                           .last_failure = *row.last_failure,
                           .reason = *row.reason,
                           .trace = row.entry.trace,
                           .removal = row.removal,
                           .history = {}};
  const auto parsed = event::parse_notification(letter.event_json);
  if (parsed && !parsed->records.empty()) {
    letter.bucket = parsed->records.front().bucket;
    letter.key = parsed->records.front().key;
  }
  return letter;
}

}  // namespace

void FakeDeadLetterQueue::on_change(std::function<void()> changed) {
  const std::scoped_lock lock(outbox_.mutex_);
  outbox_.dead_letters_changed_ = std::move(changed);
}

std::optional<Error> FakeDeadLetterQueue::take_failure() {
  if (failures.empty()) return std::nullopt;
  Error error = std::move(failures.front());
  failures.pop_front();
  return error;
}

FakeOutbox::Row* FakeDeadLetterQueue::find_dead(std::int64_t id) {
  const auto found =
      std::ranges::find_if(outbox_.rows, [id](const auto& row) { return row.entry.id == id && row.state == "dead"; });
  return found == outbox_.rows.end() ? nullptr : &*found;
}

std::vector<const FakeOutbox::Row*> FakeDeadLetterQueue::dead_rows() const {
  std::vector<const FakeOutbox::Row*> dead;
  for (const auto& row : outbox_.rows) {
    if (row.state == "dead") dead.push_back(&row);
  }
  return dead;
}

Awaitable<Result<std::uint64_t>> FakeDeadLetterQueue::length() {
  const std::scoped_lock lock(outbox_.mutex_);
  if (auto error = take_failure()) co_return std::unexpected(std::move(*error));
  co_return dead_rows().size();
}

Awaitable<Result<std::vector<ports::ReasonCount>>> FakeDeadLetterQueue::reasons() {
  const std::scoped_lock lock(outbox_.mutex_);
  if (auto error = take_failure()) co_return std::unexpected(std::move(*error));
  std::map<std::string, std::uint64_t> counts;
  for (const auto* const row : dead_rows()) ++counts[row->reason->kind];
  std::vector<ports::ReasonCount> out;
  for (const auto& [kind, count] : counts) out.push_back({kind, count});
  std::ranges::sort(out,
                    [](const auto& a, const auto& b) { return std::tie(b.count, a.kind) < std::tie(a.count, b.kind); });
  co_return out;
}

Awaitable<Result<ports::DeadLetterPage>> FakeDeadLetterQueue::list(ports::DeadLetterFilter filter,
                                                                   std::optional<std::int64_t> after,
                                                                   std::size_t limit) {
  const std::scoped_lock lock(outbox_.mutex_);
  if (auto error = take_failure()) co_return std::unexpected(std::move(*error));
  auto dead = dead_rows();
  std::erase_if(dead, [&](const auto* row) {
    return (!filter.reason.empty() && row->reason->kind != filter.reason) || (after && row->entry.id >= *after);
  });
  std::ranges::sort(dead, std::ranges::greater(), [](const auto* row) { return row->entry.id; });
  ports::DeadLetterPage page;
  for (const auto* const row : dead) {
    if (page.letters.size() == std::clamp<std::size_t>(limit, 1, 1000)) {
      page.next = page.letters.back().id;
      break;
    }
    page.letters.push_back(to_letter(*row));
  }
  co_return page;
}

Awaitable<Result<ports::DeadLetter>> FakeDeadLetterQueue::get(std::int64_t id) {
  const std::scoped_lock lock(outbox_.mutex_);
  if (auto error = take_failure()) co_return std::unexpected(std::move(*error));
  const auto* const row = find_dead(id);
  if (row == nullptr) co_return fail(ErrorKind::not_found, "there is no dead letter " + std::to_string(id));
  auto letter = to_letter(*row);
  letter.history = row->history;
  co_return letter;
}

Awaitable<Result<std::vector<std::int64_t>>> FakeDeadLetterQueue::redrive(std::vector<std::int64_t> ids, Instant due) {
  std::vector<std::int64_t> moved;
  std::function<void()> wake;
  std::function<void()> changed;
  {
    const std::scoped_lock lock(outbox_.mutex_);
    if (auto error = take_failure()) co_return std::unexpected(std::move(*error));
    for (const auto id : ids) {
      auto* const row = find_dead(id);
      if (row == nullptr) continue;
      row->state = "pending";
      row->due = due;
      row->entry.attempts = 0;
      row->entry.since = due;
      moved.push_back(id);
    }
    wake = outbox_.wake_;
    changed = outbox_.dead_letters_changed_;
  }
  if (!moved.empty() && wake) wake();
  if (!moved.empty() && changed) changed();
  co_return moved;
}

Awaitable<Result<std::vector<std::int64_t>>> FakeDeadLetterQueue::drop(std::vector<std::int64_t> ids, Instant,
                                                                       ports::FailureReason rule) {
  std::vector<std::int64_t> dropped;
  std::function<void()> changed;
  {
    const std::scoped_lock lock(outbox_.mutex_);
    if (auto error = take_failure()) co_return std::unexpected(std::move(*error));
    for (const auto id : ids) {
      auto* const row = find_dead(id);
      if (row == nullptr) continue;
      row->state = "dropped";
      row->reason = {.kind = rule.kind,
                     .message = rule.message + "; given up for " + row->reason->kind + ": " + row->reason->message};
      dropped.push_back(id);
    }
    changed = outbox_.dead_letters_changed_;
  }
  if (!dropped.empty() && changed) changed();
  co_return dropped;
}

Awaitable<Result<std::vector<ports::DeadLetter>>> FakeDeadLetterQueue::older_than(Instant last_failure,
                                                                                  std::size_t limit) {
  const std::scoped_lock lock(outbox_.mutex_);
  if (auto error = take_failure()) co_return std::unexpected(std::move(*error));
  auto dead = dead_rows();
  std::erase_if(dead, [&](const auto* row) { return *row->last_failure >= last_failure; });
  std::ranges::sort(dead, {}, [](const auto* row) { return *row->last_failure; });
  dead.resize(std::min(dead.size(), limit));
  std::vector<ports::DeadLetter> out;
  for (const auto* const row : dead) out.push_back(to_letter(*row));
  co_return out;
}

}  // namespace s3link::test_support
