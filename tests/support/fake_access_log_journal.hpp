#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ports/access_log_journal.hpp"

namespace s3link::test_support {

/// A journal in memory, with failures to order. For one thread.
class FakeAccessLogJournal final : public ports::AccessLogJournal {
 public:
  struct Object {
    Target target;
    std::string text;
  };

  std::vector<Object> objects;                        ///< what was published, in order
  std::map<std::string, std::deque<Error>> failures;  ///< by the method's name
  std::uint64_t damaged = 0;                          ///< what the next publish() finds

  Awaitable<Result<Waiting>> waiting() override {
    if (auto failure = ordered("waiting")) co_return std::unexpected(*failure);
    Waiting out;
    for (const Row& row : rows_) {
      out.lines += row.lines.count;
      out.bytes += row.lines.text.size();
      if (!out.oldest || row.appended < *out.oldest) out.oldest = row.appended;
    }
    co_return out;
  }
  Awaitable<Status> append(ports::AccessLogLines lines, Instant now) override {
    if (auto failure = ordered("append")) co_return std::unexpected(*failure);
    rows_.push_back({std::move(lines), now});
    co_return Status{};
  }
  Awaitable<Result<Published>> publish(Target target, Instant, std::uint64_t max_lines,
                                       std::uint64_t max_bytes) override {
    if (auto failure = ordered("publish")) co_return std::unexpected(*failure);
    ports::AccessLogLines all;
    while (!rows_.empty()) {
      const ports::AccessLogLines& next = rows_.front().lines;
      if (all.count > 0 && (all.count + next.count > max_lines || all.text.size() + next.text.size() > max_bytes))
        break;
      all.count += next.count;
      all.text += next.text;
      rows_.pop_front();
    }
    if (all.count == 0) co_return Published{};
    const std::uint64_t most = target.max_bucket_bytes;
    objects.push_back({std::move(target), std::move(all.text)});
    Published out{.lines = all.count, .damaged = std::exchange(damaged, 0)};
    while (objects.size() > 1 && total_bytes() > most) {
      objects.erase(objects.begin());
      ++out.removed;
    }
    co_return out;
  }
  /// The lines that wait.
  std::string text() const {
    std::string out;
    for (const Row& row : rows_) out += row.lines.text;
    return out;
  }

 private:
  struct Row {
    ports::AccessLogLines lines;
    Instant appended;
  };
  std::uint64_t total_bytes() const {
    std::uint64_t sum = 0;
    for (const Object& object : objects) sum += object.text.size();
    return sum;
  }
  std::optional<Error> ordered(const std::string& method) {
    auto& queue = failures[method];
    if (queue.empty()) return std::nullopt;
    Error error = std::move(queue.front());
    queue.pop_front();
    return error;
  }

  std::deque<Row> rows_;
};

}  // namespace s3link::test_support
