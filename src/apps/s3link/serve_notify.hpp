#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/system/service_notifier.hpp"
#include "ports/logger.hpp"
#include "services/server/liveness.hpp"

namespace s3link::app {

/// The service as its manager sees it. A thread of its own looks whether the parts work, at half the manager's watchdog
/// period (without a watchdog: each ten seconds), and tells the manager and the log. Where a part does not work the
/// manager hears no more that all is well, and restarts the service when the period is over.
/// Thread safety: one call at a time.
class ServeNotify {
 public:
  /// The references must outlive it.
  ServeNotify(const system::ServiceNotifier& notifier, server::Liveness& liveness, ports::Logger& logger);
  ServeNotify(const ServeNotify&) = delete;
  ServeNotify& operator=(const ServeNotify&) = delete;
  ~ServeNotify();

  /// Requests are taken from here on. `status` is for people.
  void ready(std::string status);
  /// Before settings are read again, and after.
  void reloading();
  void reloaded();
  /// From here on the manager's own bound for the stop holds, and no part is asked any more.
  void stopping();

 private:
  void watch();
  void look();
  /// A manager that cannot be told is logged once, until it can be told again.
  void check(const Status& told);

  const system::ServiceNotifier& notifier_;
  server::Liveness& liveness_;
  ports::Logger& logger_;
  const std::chrono::microseconds period_;
  std::string status_;
  bool well_ = true;  // as last told; of the thread
  std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  bool ending_ = false;
  bool untold_ = false;
  std::thread thread_;
};

}  // namespace s3link::app
