#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "core/s3/names.hpp"
#include "ports/access_log_journal.hpp"
#include "services/server/request_observer.hpp"

namespace s3link::server {

struct AccessLogSettings {
  s3::BucketName bucket;  ///< whose requests are logged
  std::string region;
  std::string domain;                                       ///< of virtual-host style; empty: none
  std::uint64_t max_bytes = std::uint64_t{1} << 30;         ///< of all objects with lines
  std::chrono::seconds object_ttl = std::chrono::days(90);  ///< life of such an object
};

/// Makes a line of each request to one bucket, answered or refused, and holds the lines until somebody takes them.
/// Memory is bounded: when 10,000 lines or 4 MiB wait, further ones are dropped and counted; no request ever waits.
/// Requests that were not authenticated can be sent by anybody, as many as he likes: their lines have room of their own
/// (1,000 lines, 1 MiB), and of the log objects no more than 5/16 of max_bytes in the time that an object lives: 1/16
/// at once, 1/4 spread over that time. Nothing of it is taken from the lines of those who have the key. Format:
/// docs/formats/access-log.md. Thread safety: any number of calls at a time.
class AccessLog final : public RequestObserver {
 public:
  static constexpr std::size_t kMaxLines = 10'000;
  static constexpr std::size_t kMaxBytes = std::size_t{4} * 1024 * 1024;
  static constexpr std::size_t kMaxRefusedLines = 1'000;
  static constexpr std::size_t kMaxRefusedBytes = std::size_t{1} * 1024 * 1024;

  explicit AccessLog(AccessLogSettings settings);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept override;

  /// `wake` is called, from any thread, when a line comes into an empty log. Empty: nobody is called, from its return
  /// on.
  void on_first_line(std::function<void()> wake);
  bool empty() const;
  /// Lines of authenticated requests lost since the start, because the log was full.
  std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }
  /// Lines of requests that were not authenticated, dropped since the start.
  std::uint64_t refused_lost() const noexcept { return refused_lost_.load(std::memory_order_relaxed); }

  struct Taken {
    ports::AccessLogLines lines;
    std::uint64_t dropped = 0;  ///< since the last take()
    std::uint64_t refused = 0;  ///< of the dropped: of requests that were not authenticated
  };
  /// All lines, those of authenticated requests first. They count towards the bound until kept() says that they are
  /// safe elsewhere.
  Taken take();
  void kept();
  /// Undoes take(): the lines, as they were taken, could not be kept, and come first again.
  void give_back(ports::AccessLogLines lines);

 private:
  /// The lines of one kind of request.
  struct Share {
    ports::AccessLogLines waiting;
    std::uint64_t taken_lines = 0;
    std::size_t taken_bytes = 0;
    std::uint64_t dropped = 0;  ///< since the last take()

    bool has_room(std::size_t bytes, std::size_t max_lines, std::size_t max_bytes) const noexcept;
    ports::AccessLogLines take();
    void kept() noexcept;
    void give_back(ports::AccessLogLines lines);
  };

  void add(std::string line, bool authenticated, Instant when);
  /// Whether one more refused request may be logged; with the lock held.
  bool spend(std::size_t bytes, Instant when) noexcept;
  /// With the lock held.
  void drop_line(Share& share) noexcept;

  const AccessLogSettings settings_;
  mutable std::mutex mutex_;
  Share authenticated_;
  Share refused_;
  double budget_bytes_;  ///< what lines of refused requests may take by now
  Instant budget_at_ = Instant::min();
  std::atomic<std::uint64_t> lost_ = 0;
  std::atomic<std::uint64_t> refused_lost_ = 0;
  std::function<void()> wake_;
};

}  // namespace s3link::server
