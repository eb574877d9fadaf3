#include "adapters/system/signal_watcher.hpp"

#include <pthread.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <deque>

namespace s3link::system {

struct SignalWatcher::State {
  boost::asio::io_context context{1};
  boost::asio::signal_set signals{context, SIGINT, SIGTERM, SIGHUP};
  std::deque<Event> events;  // touched by the thread in wait() only

  void listen() {
    signals.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      events.push_back(number == SIGHUP ? Event::reload : Event::stop);
      listen();
    });
  }
};

namespace {

void mask_reloads(int how) noexcept {
  sigset_t reload;
  sigemptyset(&reload);
  sigaddset(&reload, SIGHUP);
  ::pthread_sigmask(how, &reload, nullptr);
}

}  // namespace

void SignalWatcher::hold_reloads() noexcept { mask_reloads(SIG_BLOCK); }

SignalWatcher::SignalWatcher() : state_(std::make_unique<State>()) {
  std::signal(SIGPIPE, SIG_IGN);
  state_->listen();
  mask_reloads(SIG_UNBLOCK);
}

SignalWatcher::~SignalWatcher() { hold_reloads(); }

SignalWatcher::Event SignalWatcher::wait() {
  while (state_->events.empty()) state_->context.run_one();
  const Event event = state_->events.front();
  state_->events.pop_front();
  return event;
}

void SignalWatcher::interrupt() {
  boost::asio::post(state_->context, [state = state_.get()] { state->events.push_back(Event::interrupted); });
}

}  // namespace s3link::system
