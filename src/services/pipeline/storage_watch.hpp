#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "services/pipeline/recurring_look.hpp"

namespace s3link::pipeline {

/// Why uploads cannot be stored.
struct StorageTrouble {
  Instant since;
  std::string reason;
  bool unanswered = false;  ///< the disk does not answer: whoever waits for a write may wait for ever
};

/// What the watch asks. Both from any thread, and must return at once.
struct StorageSource {
  /// Whether writes are taken as far as is known without trying.
  std::function<Status()> writable;
  /// Has the disk tried and then calls the function, once, from any thread; it may come when the watch is gone.
  std::function<void(std::function<void(Status)>)> probe;
};

/// Whether uploads can be stored, found out by trying each ten seconds; logs the beginning and the end of a trouble.
/// A probe without an answer is a trouble of its own, and no other is begun meanwhile. Thread safety: run() stays on
/// its executor, one thread or a strand; the rest may be called from any thread.
class StorageWatch {
 public:
  static constexpr std::chrono::seconds kPeriod{10};    ///< between two probes
  static constexpr std::chrono::seconds kPatience{10};  ///< for the answer of one

  /// The references must outlive it.
  StorageWatch(StorageSource source, ports::Clock& clock, ports::Logger& logger);
  StorageWatch(const StorageWatch&) = delete;
  StorageWatch& operator=(const StorageWatch&) = delete;
  ~StorageWatch();

  /// Called at the beginning and the end of each trouble, from run()'s executor. Before run().
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

  /// Until stop(); call once, and do not cancel it.
  Awaitable<void> run();
  void stop();

  /// What is known at this moment: of the source, then of the latest probe. Waits for nothing. Errors: of both;
  /// transient (no answer).
  Status state() const;
  /// As the latest look found it, with its beginning.
  std::optional<StorageTrouble> trouble() const;

 private:
  struct Probe;

  Awaitable<Result<std::optional<Instant>>> look();
  void note(const Status& found, bool unanswered);

  StorageSource source_;
  ports::Clock& clock_;
  ports::Logger& logger_;
  std::function<void()> changed_;
  RecurringLook loop_;
  std::shared_ptr<Probe> probe_;  ///< shared with the answer
  std::chrono::steady_clock::time_point next_probe_ = std::chrono::steady_clock::time_point::min();
  mutable std::mutex mutex_;
  std::optional<StorageTrouble> trouble_;  ///< guarded by mutex_
};

}  // namespace s3link::pipeline
