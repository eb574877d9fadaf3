#pragma once

#include <atomic>
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
  std::string domain;  ///< of virtual-host style; empty: none
};

/// Makes a line of each request to one bucket, answered or refused, and holds the lines until somebody takes them.
/// Memory is bounded: when 10,000 lines or 4 MiB wait, further ones are dropped and counted; no request ever waits.
/// Format: docs/formats/access-log.md. Thread safety: any number of calls at a time.
class AccessLog final : public RequestObserver {
 public:
  static constexpr std::size_t kMaxLines = 10'000;
  static constexpr std::size_t kMaxBytes = std::size_t{4} * 1024 * 1024;

  explicit AccessLog(AccessLogSettings settings) : settings_(std::move(settings)) {}
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept override;

  /// `wake` is called, from any thread, when a line comes into an empty log. Empty: nobody is called, from its return
  /// on.
  void on_first_line(std::function<void()> wake);
  bool empty() const;
  /// Lines lost since the start, because the log was full.
  std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

  struct Taken {
    ports::AccessLogLines lines;
    std::uint64_t dropped = 0;  ///< since the last take()
  };
  /// All lines. They count towards the bound until kept() says that they are safe elsewhere.
  Taken take();
  void kept();
  /// Undoes take(): the lines could not be kept, and come first again.
  void give_back(ports::AccessLogLines lines);

 private:
  void add(std::string line);
  /// With the lock held.
  void drop_line() noexcept;

  const AccessLogSettings settings_;
  mutable std::mutex mutex_;
  ports::AccessLogLines waiting_;
  std::uint64_t taken_lines_ = 0;
  std::size_t taken_bytes_ = 0;
  std::uint64_t dropped_ = 0;  ///< since the last take()
  std::atomic<std::uint64_t> lost_ = 0;
  std::function<void()> wake_;
};

}  // namespace s3link::server
