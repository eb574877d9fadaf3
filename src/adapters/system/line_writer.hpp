#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace s3link::system {

/// Writes lines from a thread of its own, in the order in which they were given, so that nobody waits for who reads
/// them: they stand in a queue that is bounded in bytes. Lines for which there is no room, and those that the sink does
/// not take, are dropped and counted, and a notice in their place says how many. Thread-safe.
class LineWriter {
 public:
  /// Writes the bytes, waiting for a slow reader, and returns how many were taken: fewer where no more can be written
  /// now. Called from the writer's thread only, and by it after the LineWriter's end where it did not return in time.
  using Sink = std::function<std::size_t(std::string_view bytes)>;
  /// The line, without its end, that says that so many lines were dropped. Called as the sink is.
  using Notice = std::function<std::string(std::uint64_t dropped)>;
  struct Limits {
    std::size_t queue_bytes = std::size_t{256} * 1024;
    std::chrono::milliseconds last_wait{1000};  ///< what the lines that still wait get at the end
  };

  LineWriter(Sink sink, Notice notice, Limits limits);
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  /// Waits for what is in the queue, and no longer than `last_wait`; then the thread, which the sink holds, is left to
  /// itself.
  ~LineWriter();

  /// `line` is without its end. Returns at once. After a drop nothing is taken until the queue is half empty, so that a
  /// slow reader gets long runs of lines, not single ones between notices.
  void write(std::string line) noexcept;

  /// Lines dropped since the start.
  std::uint64_t dropped() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;  // the thread has its share
};

/// A sink that writes to a duplicate of the descriptor, as write_bytes() does.
LineWriter::Sink descriptor_sink(int descriptor);

}  // namespace s3link::system
