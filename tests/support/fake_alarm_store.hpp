#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <ranges>
#include <utility>

#include "ports/alarm_store.hpp"

namespace s3link::test_support {

/// An alarm store in memory, with failures to order. The port's calls are thread-safe; the members are for while
/// nothing runs.
class FakeAlarmStore final : public ports::AlarmStore {
 public:
  /// What a commit that gives up deliveries does.
  void add_dead_letters(std::uint64_t count, const std::string& kind = "denied", const std::string& text = "550 no") {
    std::function<void()> wake;
    {
      const std::scoped_lock lock(mutex_);
      for (std::uint64_t i = 0; i < count; ++i) dead_letters.emplace_back(kind, text);
      wake = wake_;
    }
    if (wake) wake();
  }
  /// What a redrive or a retention does.
  void remove_dead_letters() {
    std::function<void()> wake;
    {
      const std::scoped_lock lock(mutex_);
      dead_letters.clear();
      wake = wake_;
    }
    if (wake) wake();
  }

  /// As if they had been notified of something long ago.
  void record_notified(const std::vector<std::string>& names) {
    const std::scoped_lock lock(mutex_);
    for (const std::string& name : names) record_of(name);
  }

  void on_dead_letters_changed(std::function<void()> wake) override {
    const std::scoped_lock lock(mutex_);
    wake_ = std::move(wake);
  }

  Awaitable<Result<ports::AlarmMeasure>> measure(Instant) override {
    const std::scoped_lock lock(mutex_);
    ++measured;
    if (auto failure = take_failure()) co_return std::unexpected(std::move(*failure));
    co_return ports::AlarmMeasure{dead_letters.size(),
                                  waiting.empty() ? std::nullopt : std::optional(waiting.front().first), first_removal};
  }

  Awaitable<Result<std::vector<alarm::FrequentReason>>> frequent_reasons(alarm::AlarmName name,
                                                                         std::size_t max) override {
    const std::scoped_lock lock(mutex_);
    alarm::FrequentReasons reasons;
    if (name == alarm::AlarmName::dead_letters) {
      for (const auto& [kind, text] : dead_letters) reasons.add(kind, text);
    } else {
      for (const auto& [made, why] : waiting) {
        if (why) reasons.add(why->first, why->second);
      }
    }
    co_return reasons.top(max);
  }

  Awaitable<Result<delivery::AlarmMemory>> load(alarm::AlarmName name) override {
    const std::scoped_lock lock(mutex_);
    co_return memories[name];
  }
  Awaitable<Status> save(alarm::AlarmName name, delivery::AlarmMemory memory) override {
    const std::scoped_lock lock(mutex_);
    if (unwritable) co_return std::unexpected(*unwritable);
    if (auto failure = take_failure()) co_return std::unexpected(std::move(*failure));
    ++saved;
    memories[name] = memory;
    co_return Status{};
  }
  Awaitable<Status> save_and_notify(alarm::AlarmName name, delivery::AlarmMemory memory,
                                    alarm::Notification notification, std::vector<std::string> names) override {
    const std::scoped_lock lock(mutex_);
    if (unwritable) co_return std::unexpected(*unwritable);
    if (auto failure = take_failure()) co_return std::unexpected(std::move(*failure));
    ++saved;
    memories[name] = memory;
    notification.id = static_cast<std::int64_t>(notifications.size()) + 1;
    notifications.push_back(notification);
    for (const std::string& subscriber : names) {
      auto& queue = pending[subscriber];
      queue.push_back({.notification = notification, .attempts = 0, .due = notification.made});
      auto& record = record_of(subscriber);
      if (queue.size() > kMostPending) {
        queue.pop_front();
        failed(record, notification.made, "too many notifications wait");
        ++record.given_up;
      }
    }
    co_return Status{};
  }

  Awaitable<Result<std::vector<std::string>>> keep_subscribers(std::vector<std::string> names) override {
    const std::scoped_lock lock(mutex_);
    const auto goes = [&](const auto& entry) { return std::ranges::find(names, entry.first) == names.end(); };
    std::erase_if(pending, goes);
    std::erase_if(records, goes);
    std::erase_if(names, [&](const std::string& name) { return records.contains(name); });
    co_return names;
  }
  Awaitable<Result<std::optional<ports::PendingNotification>>> next_for(std::string subscriber) override {
    const std::scoped_lock lock(mutex_);
    if (auto failure = take_failure()) co_return std::unexpected(std::move(*failure));
    const auto& queue = pending[subscriber];
    co_return queue.empty() ? std::nullopt : std::optional(queue.front());
  }
  Awaitable<Status> mark_told(std::string subscriber, std::int64_t id, Instant when) override {
    const std::scoped_lock lock(mutex_);
    if (unwritable) co_return std::unexpected(*unwritable);
    const auto done = remove(subscriber, id);
    if (!done) co_return done;
    auto& record = record_of(subscriber);
    ++record.told;
    record.last_told = when;
    co_return Status{};
  }
  Awaitable<Status> reschedule(std::string subscriber, std::int64_t id, Instant failed_at, Instant due,
                               std::string reason) override {
    const std::scoped_lock lock(mutex_);
    if (unwritable) co_return std::unexpected(*unwritable);
    auto& queue = pending[subscriber];
    const auto found = find(queue, id);
    if (found == queue.end()) co_return fail(ErrorKind::not_found, "no such notification");
    ++found->attempts;
    found->due = due;
    failed(record_of(subscriber), failed_at, std::move(reason));
    co_return Status{};
  }
  Awaitable<Status> give_up(std::string subscriber, std::int64_t id, Instant when, std::string reason) override {
    const std::scoped_lock lock(mutex_);
    if (unwritable) co_return std::unexpected(*unwritable);
    const auto done = remove(subscriber, id);
    if (!done) co_return done;
    auto& record = record_of(subscriber);
    failed(record, when, std::move(reason));
    ++record.given_up;
    co_return Status{};
  }
  Awaitable<Result<std::vector<ports::SubscriberRecord>>> subscribers() override {
    const std::scoped_lock lock(mutex_);
    std::vector<ports::SubscriberRecord> out;
    for (auto& [name, record] : records) {
      out.push_back(record);
      out.back().pending = pending[name].size();
    }
    co_return out;
  }

  using Reason = std::pair<std::string, std::string>;
  std::vector<Reason> dead_letters;
  std::vector<std::pair<Instant, std::optional<Reason>>> waiting;  ///< oldest first
  std::map<alarm::AlarmName, delivery::AlarmMemory> memories;
  std::vector<alarm::Notification> notifications;  ///< all there ever were
  std::map<std::string, std::deque<ports::PendingNotification>> pending;
  std::map<std::string, ports::SubscriberRecord> records;
  std::deque<Error> failures;       ///< handed out first, in order
  std::optional<Error> unwritable;  ///< of every write, while it is there
  unsigned measured = 0, saved = 0;
  std::optional<Instant> first_removal;

 private:
  using Queue = std::deque<ports::PendingNotification>;

  std::optional<Error> take_failure() {
    if (failures.empty()) return std::nullopt;
    Error error = std::move(failures.front());
    failures.pop_front();
    return error;
  }
  static Queue::iterator find(Queue& queue, std::int64_t id) {
    return std::ranges::find_if(queue, [id](const auto& entry) { return entry.notification.id == id; });
  }
  Status remove(const std::string& subscriber, std::int64_t id) {
    auto& queue = pending[subscriber];
    const auto found = find(queue, id);
    if (found == queue.end()) return fail(ErrorKind::not_found, "no such notification");
    queue.erase(found);
    return {};
  }
  ports::SubscriberRecord& record_of(const std::string& subscriber) {
    auto& record = records[subscriber];
    record.name = subscriber;
    return record;
  }
  static void failed(ports::SubscriberRecord& record, Instant when, std::string reason) {
    ++record.failed_attempts;
    record.last_failure = when;
    record.last_reason = std::move(reason);
  }

  std::mutex mutex_;
  std::function<void()> wake_;
};

}  // namespace s3link::test_support
