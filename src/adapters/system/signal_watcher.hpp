#pragma once

#include <memory>

namespace s3link::system {

/// Turns SIGINT, SIGTERM and SIGHUP into values while it lives; afterwards SIGINT and SIGTERM do again what they did by
/// default, and SIGHUP does nothing: it would end a process that is about to end in good order.
/// SIGPIPE is ignored from the first instance on: a peer that goes away is an error code of the write.
/// One instance at a time in a process.
class SignalWatcher {
 public:
  enum class Event {
    stop,         ///< SIGINT or SIGTERM
    reload,       ///< SIGHUP
    interrupted,  ///< interrupt() was called
  };

  /// A SIGHUP that comes from now on waits for an instance, instead of ending the process. Before any other thread
  /// begins: they must not get it.
  static void hold_reloads() noexcept;

  /// To be made and destroyed by the thread that called hold_reloads(), if one did.
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
