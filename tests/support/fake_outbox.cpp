#include "support/fake_outbox.hpp"

#include <algorithm>
#include <utility>

namespace s3link::test_support {
namespace {

Error take(std::deque<Error>& failures) {
  Error error = std::move(failures.front());
  failures.pop_front();
  return error;
}

Instant available(const FakeOutbox::Row& row) { return row.lease_until.value_or(row.due); }

}  // namespace

std::int64_t FakeOutbox::add(std::string event_json, Instant now) {
  std::function<void()> wake;
  std::int64_t id = 0;
  {
    const std::scoped_lock lock(mutex_);
    id = static_cast<std::int64_t>(rows.size()) + 1;
    Row row;
    row.entry.id = id;
    row.entry.event_json = std::move(event_json);
    row.entry.created = now;
    row.due = now;
    rows.push_back(std::move(row));
    wake = wake_;
  }
  if (wake) wake();
  return id;
}

void FakeOutbox::release_claims() {
  const std::scoped_lock lock(mutex_);
  for (Row& row : rows) row.lease_until.reset();
}

void FakeOutbox::on_new_entry(std::function<void()> wake) {
  const std::scoped_lock lock(mutex_);
  wake_ = std::move(wake);
}

Awaitable<Result<std::vector<ports::OutboxEntry>>> FakeOutbox::take_due(Instant now, std::size_t max,
                                                                        Instant lease_until) {
  const std::scoped_lock lock(mutex_);
  if (!take_failures.empty()) co_return std::unexpected(take(take_failures));
  std::vector<Row*> due;
  for (Row& row : rows) {
    if (row.state == "pending" && available(row) <= now) due.push_back(&row);
  }
  std::ranges::sort(due, {}, [](const Row* row) { return std::pair(row->due, row->entry.id); });
  due.resize(std::min(due.size(), max));
  std::vector<ports::OutboxEntry> out;
  for (Row* const row : due) {
    row->lease_until = lease_until;
    out.push_back(row->entry);
  }
  taken.push_back(out.size());
  co_return out;
}

Awaitable<Result<std::optional<Instant>>> FakeOutbox::next_due() {
  const std::scoped_lock lock(mutex_);
  std::optional<Instant> next;
  for (const Row& row : rows) {
    if (row.state == "pending") next = std::min(next.value_or(Instant::max()), available(row));
  }
  co_return next;
}

Result<FakeOutbox::Row*> FakeOutbox::pending(std::int64_t id) {
  if (!settle_failures.empty()) return std::unexpected(take(settle_failures));
  if (id < 1 || id > static_cast<std::int64_t>(rows.size()) || row(id).state != "pending") {
    return fail(ErrorKind::not_found, "no such outbox entry");
  }
  return &rows.at(static_cast<std::size_t>(id) - 1);
}

Awaitable<Status> FakeOutbox::mark_delivered(std::int64_t id) {
  const std::scoped_lock lock(mutex_);
  const auto row = pending(id);
  if (!row) co_return std::unexpected(row.error());
  (*row)->state = "delivered";
  co_return Status{};
}

Awaitable<Status> FakeOutbox::reschedule(std::int64_t id, Instant failed_at, Instant due, ports::FailureReason reason) {
  std::function<void()> wake;
  {
    const std::scoped_lock lock(mutex_);
    const auto row = pending(id);
    if (!row) co_return std::unexpected(row.error());
    ++(*row)->entry.attempts;
    if (!(*row)->entry.first_failure) (*row)->entry.first_failure = failed_at;
    (*row)->due = due;
    (*row)->lease_until.reset();
    (*row)->reason = std::move(reason);
    wake = wake_;
  }
  if (wake) wake();
  co_return Status{};
}

Awaitable<Status> FakeOutbox::give_up(std::int64_t id, Instant failed_at, ports::FailureReason reason) {
  const std::scoped_lock lock(mutex_);
  const auto row = pending(id);
  if (!row) co_return std::unexpected(row.error());
  ++(*row)->entry.attempts;
  if (!(*row)->entry.first_failure) (*row)->entry.first_failure = failed_at;
  (*row)->state = "dead";
  (*row)->reason = std::move(reason);
  co_return Status{};
}

Awaitable<Status> FakeOutbox::drop(std::int64_t id, Instant, ports::FailureReason rule) {
  const std::scoped_lock lock(mutex_);
  const auto row = pending(id);
  if (!row) co_return std::unexpected(row.error());
  (*row)->state = "dropped";
  (*row)->reason = std::move(rule);
  co_return Status{};
}

}  // namespace s3link::test_support
