#include "adapters/system/line_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/system/write_line.hpp"

namespace s3link::system {
namespace {

/// How long a line may stand in the queue before a thread that has just written others looks for it.
constexpr std::chrono::milliseconds kGather{2};

}  // namespace

struct LineWriter::State {
  struct Entry {
    std::optional<std::string> line;
    std::uint64_t dropped_before = 0;  ///< for want of room, since the line before
  };

  State(Sink to, Notice says, Limits given) : sink(std::move(to)), notice(std::move(says)), limits(given) {}

  static std::size_t cost(const std::string& line) { return line.size() + sizeof(Entry); }

  /// Returns whether the thread is to be woken.
  bool add(std::string line) {
    const std::scoped_lock lock(mutex);
    take_in(std::move(line));
    return std::exchange(idle, false);
  }

  void take_in(std::string line) {
    if (queued <= limits.queue_bytes / 2) full = false;
    const std::size_t bytes = cost(line);
    if (full || bytes > limits.queue_bytes - queued) {
      full = true;
      drop();
      return;
    }
    try {
      queue.push_back({std::move(line), dropped_last});
    } catch (const std::bad_alloc&) {
      drop();
      return;
    }
    dropped_last = 0;
    queued += bytes;
  }

  void drop() {
    ++dropped_last;
    dropped.fetch_add(1, std::memory_order_relaxed);
  }

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      if (!waits()) gather(lock);
      if (abandoned || !waits()) break;
      const Entry next = take();
      lock.unlock();
      put(next);
      lock.lock();
    }
    if (!abandoned) {
      lock.unlock();
      put({});  // what is still to be told
      lock.lock();
    }
    ended = true;
    wake.notify_all();
  }

  /// Waits until there are lines. A thread that was busy looks once more a little later before it asks to be woken:
  /// under load, one waking for each line costs whoever writes it more than all the rest of the log.
  void gather(std::unique_lock<std::mutex>& lock) {
    const auto ends = [this] { return stopping || abandoned; };
    if (wake.wait_for(lock, kGather, ends) || waits()) return;
    idle = true;
    wake.wait(lock, [&] { return ends() || waits(); });
    idle = false;
  }

  bool waits() const { return !queue.empty() || dropped_last > 0; }

  Entry take() {
    if (queue.empty()) return {std::nullopt, std::exchange(dropped_last, 0)};
    Entry out = std::move(queue.front());
    queue.pop_front();
    queued -= cost(*out.line);
    return out;
  }

  void put(const Entry& entry) {
    untold += entry.dropped_before;
    bool taken = false;
    try {
      if (untold > 0 && put_line(notice(untold))) untold = 0;
      // A line whose notice finds no place finds none itself.
      taken = !entry.line || (untold == 0 && put_line(*entry.line));
    } catch (const std::bad_alloc&) {
    }
    if (taken || !entry.line) return;
    ++untold;
    dropped.fetch_add(1, std::memory_order_relaxed);
  }

  bool put_line(const std::string& line) {
    std::string text;
    text.reserve(line.size() + 2);
    if (torn) text += '\n';  // a disk was full in the middle of a line: the next begins a line
    text += line;
    text += '\n';
    const std::size_t taken = sink(text);
    if (taken > 0) torn = text[taken - 1] != '\n';
    return taken == text.size();
  }

  const Sink sink;
  const Notice notice;
  const Limits limits;
  std::atomic<std::uint64_t> dropped = 0;

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Entry> queue;
  std::size_t queued = 0;          ///< bytes
  std::uint64_t dropped_last = 0;  ///< after the last line of the queue
  bool full = false;
  bool idle = false;       ///< the thread sleeps until it is woken
  bool stopping = false;   ///< no line comes any more
  bool abandoned = false;  ///< nobody waits any more
  bool ended = false;

  // The thread's own.
  std::uint64_t untold = 0;
  bool torn = false;
};

LineWriter::LineWriter(Sink sink, Notice notice, Limits limits)
    : state_(std::make_shared<State>(std::move(sink), std::move(notice), limits)) {
  std::thread([state = state_] { state->run(); }).detach();
}

LineWriter::~LineWriter() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->wake.notify_all();
  if (!state_->wake.wait_for(lock, state_->limits.last_wait, [this] { return state_->ended; })) {
    state_->abandoned = true;
  }
}

void LineWriter::write(std::string line) noexcept {
  if (state_->add(std::move(line))) state_->wake.notify_all();
}

std::uint64_t LineWriter::dropped() const noexcept { return state_->dropped.load(std::memory_order_relaxed); }

namespace {

/// A descriptor of our own: whoever closes the one that was given does not make us write to another file.
class Duplicate {
 public:
  explicit Duplicate(int descriptor) : descriptor_(::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) {}
  Duplicate(const Duplicate&) = delete;
  Duplicate& operator=(const Duplicate&) = delete;
  ~Duplicate() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

}  // namespace

LineWriter::Sink descriptor_sink(int descriptor) {
  return
      [to = std::make_shared<Duplicate>(descriptor)](std::string_view bytes) { return write_bytes(to->get(), bytes); };
}

}  // namespace s3link::system
