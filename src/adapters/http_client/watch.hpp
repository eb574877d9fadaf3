#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "adapters/http_client/wire.hpp"

namespace s3link::http_client {

/// Closes the guarded wire when the time is over, whatever it waits for. Thread safety: the executor's.
class Watch {
 public:
  Watch(const asio::any_io_executor& executor, std::chrono::milliseconds deadline)
      : timer_(executor, deadline), state_(std::make_shared<State>()) {
    timer_.async_wait([state = state_](const boost::system::error_code& error) {
      if (error) return;
      state->fired = true;
      if (state->wire != nullptr) state->wire->close();
    });
  }
  ~Watch() { state_->wire = nullptr; }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void guard(Wire* wire) noexcept { state_->wire = wire; }
  bool fired() const noexcept { return state_->fired; }

 private:
  struct State {
    Wire* wire = nullptr;
    bool fired = false;
  };
  asio::steady_timer timer_;
  std::shared_ptr<State> state_;
};

}  // namespace s3link::http_client
