#pragma once

#include <memory>

namespace s3link::system {

/// Turns SIGINT, SIGTERM and SIGHUP into values while it lives; afterwards they do again what they did by default.
/// SIGPIPE is ignored from the first instance on: a peer that goes away is an error code of the write.
/// One instance at a time in a process.
class SignalWatcher {
 public:
  enum class Event {
    stop,         ///< SIGINT or SIGTERM
    reload,       ///< SIGHUP
    interrupted,  ///< interrupt() was called
  };

  SignalWatcher();
  ~SignalWatcher();

  /// Blocks the calling thread until a signal comes; one that came since the last call is returned at once.
  Event wait();
  /// Makes the running or next wait() return `interrupted`. Any thread.
  void interrupt();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace s3link::system
