#include "support/fake_outbox.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace s3link::test_support {
namespace {

Error take(std::deque<Error>& failures) {
  Error error = std::move(failures.front());
  failures.pop_front();
  return error;
}

Instant available(const FakeOutbox::Row& row) { return row.lease_until.value_or(row.due); }

void note_failure(FakeOutbox::Row& row, Instant failed_at, const ports::FailureReason& reason) {
  ++row.entry.attempts;
  if (!row.entry.first_failure) row.entry.first_failure = failed_at;
  row.last_failure = failed_at;
  row.lease_until.reset();
  row.reason = reason;
  row.entry.last_failure = reason.kind;
  row.history.push_back({failed_at, reason});
  if (row.history.size() > ports::kMostAttemptsKept) row.history.erase(row.history.begin());
}

}  // namespace

std::int64_t FakeOutbox::add(std::string event_json, Instant now, std::string trace) {
  std::function<void()> wake;
  std::int64_t id = 0;
  {
    const std::scoped_lock lock(mutex_);
    id = static_cast<std::int64_t>(rows.size()) + 1;
    Row row;
    row.entry.id = id;
    row.entry.event_json = std::move(event_json);
    row.entry.created = now;
    row.entry.since = now;
    row.entry.trace = std::move(trace);
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

Awaitable<Result<std::vector<ports::OutboxEntry>>> FakeOutbox::take_due(Instant now, delivery::Room room,
                                                                        Instant lease_until) {
  const std::scoped_lock lock(mutex_);
  if (!take_failures.empty()) co_return std::unexpected(take(take_failures));
  std::vector<Row*> due;
  for (Row& row : rows) {
    if (row.state == "pending" && available(row) <= now) due.push_back(&row);
  }
  const auto is_retried = [](const Row* row) { return row->entry.first_failure.has_value(); };
  std::ranges::sort(due, {}, [&](const Row* row) {
    return std::tuple(is_retried(row) != room.retried_first, row->due, row->entry.id);
  });
  std::vector<ports::OutboxEntry> out;
  for (Row* const row : due) {
    if (out.size() == room.total) break;
    if (is_retried(row)) {
      if (room.retried == 0) continue;
      --room.retried;
    }
    row->lease_until = lease_until;
    row->entry.due = row->due;
    out.push_back(row->entry);
  }
  co_return out;
}

Awaitable<Result<std::vector<ports::OutboxEntry>>> FakeOutbox::take_overdue(Instant now, delivery::RetryPolicy policy,
                                                                            std::size_t most, Instant lease_until) {
  const std::scoped_lock lock(mutex_);
  std::vector<ports::OutboxEntry> out;
  for (Row& row : rows) {
    if (out.size() == most) break;
    if (row.state != "pending" || available(row) > now) continue;
    if (delivery::gives_up_at(policy, row.entry.since, row.removal) > now) continue;
    row.lease_until = lease_until;
    row.entry.due = row.due;
    out.push_back(row.entry);
  }
  co_return out;
}

Awaitable<Result<ports::NextDue>> FakeOutbox::next_due() {
  const std::scoped_lock lock(mutex_);
  ports::NextDue next;
  for (const Row& row : rows) {
    if (row.state != "pending") continue;
    auto& of_its_sort = row.entry.first_failure ? next.retried : next.fresh;
    of_its_sort = std::min(of_its_sort.value_or(Instant::max()), available(row));
  }
  co_return next;
}

Awaitable<Result<std::size_t>> FakeOutbox::bring_forward(Instant now, Instant latest) {
  const std::scoped_lock lock(mutex_);
  std::size_t count = 0;
  for (Row& row : rows) {
    if (row.state != "pending" || available(row) <= latest) continue;
    row.due = std::min(row.due, now);
    row.lease_until.reset();
    ++count;
  }
  co_return count;
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

Awaitable<Status> FakeOutbox::reschedule(std::int64_t id, Instant failed_at, Instant due, ports::FailureReason reason,
                                         std::vector<ports::FailureReason> refused, bool counts) {
  std::function<void()> wake;
  {
    const std::scoped_lock lock(mutex_);
    const auto row = pending(id);
    if (!row) co_return std::unexpected(row.error());
    note_failure(**row, failed_at, reason);
    if (!counts) --(*row)->entry.attempts;
    std::ranges::move(refused, std::back_inserter((*row)->entry.refused));
    (*row)->due = due;
    wake = wake_;
  }
  if (wake) wake();
  co_return Status{};
}

Awaitable<Status> FakeOutbox::postpone(std::int64_t id, Instant due, std::vector<ports::FailureReason> refused) {
  std::function<void()> wake;
  {
    const std::scoped_lock lock(mutex_);
    const auto row = pending(id);
    if (!row) co_return std::unexpected(row.error());
    std::ranges::move(refused, std::back_inserter((*row)->entry.refused));
    (*row)->due = due;
    (*row)->lease_until.reset();
    wake = wake_;
  }
  if (wake) wake();
  co_return Status{};
}

Awaitable<Status> FakeOutbox::give_up(std::int64_t id, Instant failed_at, ports::FailureReason reason,
                                      std::optional<Instant> removal) {
  std::function<void()> changed;
  {
    const std::scoped_lock lock(mutex_);
    const auto row = pending(id);
    if (!row) co_return std::unexpected(row.error());
    note_failure(**row, failed_at, reason);
    (*row)->entry.refused.clear();
    (*row)->removal = removal;
    (*row)->state = "dead";
    changed = dead_letters_changed_;
  }
  if (changed) changed();
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
