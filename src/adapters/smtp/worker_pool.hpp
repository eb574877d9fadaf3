#pragma once

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <iterator>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::smtp {

/// Threads for calls that block, made when they are needed, at most `limit`, and ended when they had nothing to do for
/// `idle`. Each thread has a State of its own, made and destroyed on it: a connection, say. Of the threads without work
/// the one whose State is ready(), if it can say that, gets the next, else the one that had work last: what is not
/// needed falls idle, and a connection that is open is used before another is made. Must be destroyed before the
/// io_contexts its callers run on. The destructor tells running work that it is cancelled, and waits for it.
template <class State, class T>
class WorkerPool {
 public:
  /// What runs on a thread. It ends soon, with an error, once `cancelled` is true.
  using Work = std::function<Result<T>(State&, const std::atomic<bool>& cancelled)>;

  WorkerPool(unsigned limit, std::chrono::milliseconds idle, std::function<std::unique_ptr<State>()> make_state)
      : limit_(limit), idle_(idle), make_state_(std::move(make_state)) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  ~WorkerPool() {
    {
      const std::scoped_lock lock(mutex_);
      closing_ = true;
      for (const auto& job : queue_) job->cancelled = true;
      for (const Worker& worker : workers_) {
        if (worker.job) worker.job->cancelled = true;
      }
    }
    for (Worker& worker : workers_) worker.wake.notify_one();
    for (Worker& worker : workers_) worker.thread.join();
  }

  /// Runs the work on one of the threads and returns what it returned. Cancelling the coroutine cancels the work, and
  /// still returns its result. Errors besides the work's: transient (no thread can be made), internal (the work threw).
  Awaitable<Result<T>> run(Work work) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto job = std::make_shared<Job>(co_await asio::this_coro::executor, std::move(work));
    if (const auto accepted = enqueue(job); !accepted) {
      job->result = std::unexpected(accepted.error());
    }
    while (!job->result) {
      co_await job->done.async_wait(asio::as_tuple(asio::use_awaitable));
      if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) {
        job->cancelled = true;
      }
    }
    co_await asio::this_coro::throw_if_cancelled(true);
    co_return std::move(*job->result);
  }

  /// Threads at this moment, for tests.
  std::size_t threads() const {
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count(workers_, false, &Worker::ended));
  }

 private:
  struct Job {
    Job(const asio::any_io_executor& executor, Work w)
        : done(executor, asio::steady_timer::time_point::max()), work(std::move(w)) {}
    asio::steady_timer done;  ///< never expires; cancelled, on its executor, when there is a result
    Work work;
    std::atomic<bool> cancelled = false;
    std::optional<Result<T>> result;  ///< set on the executor
  };

  struct Worker {
    std::thread thread;
    std::condition_variable wake;
    std::shared_ptr<Job> job;  ///< what it does, or is to do next
    bool ready = false;        ///< of its state, while it is idle
    bool ended = false;        ///< to be joined
  };

  Status enqueue(const std::shared_ptr<Job>& job) {
    const std::scoped_lock lock(mutex_);
    join_ended();
    if (Worker* const idle = take_idle()) {
      idle->job = job;
      idle->wake.notify_one();
      return {};
    }
    if (workers_.size() < limit_) {
      Worker& worker = workers_.emplace_back();
      worker.job = job;
      try {
        worker.thread = std::thread([this, &worker] { serve(worker); });
        return {};
      } catch (const std::system_error& e) {
        workers_.pop_back();
        if (workers_.empty()) return fail(ErrorKind::transient, std::string("no thread to send mail: ") + e.what());
      }
    }
    queue_.push_back(job);
    return {};
  }

  Worker* take_idle() {
    if (idle_workers_.empty()) return nullptr;
    const auto ready = std::ranges::find(idle_workers_.rbegin(), idle_workers_.rend(), true, &Worker::ready);
    const auto chosen = ready == idle_workers_.rend() ? std::prev(idle_workers_.end()) : std::prev(ready.base());
    Worker* const worker = *chosen;
    idle_workers_.erase(chosen);
    return worker;
  }

  static bool is_ready(const State& state) {
    if constexpr (requires { state.ready(); }) return state.ready();
    return false;
  }

  void serve(Worker& self) {
    std::unique_ptr<State> state;
    std::unique_lock lock(mutex_);
    while (get_work(self, state, lock)) {
      std::shared_ptr<Job> job = self.job;
      lock.unlock();
      auto result = perform(*job, state);
      lock.lock();
      self.job.reset();
      // The result is set where the coroutine runs, so that the two never touch it at once. The job goes along: its
      // timer must not be destroyed here, when its io_context may be gone.
      const auto executor = job->done.get_executor();
      asio::post(executor, [job = std::move(job), result = std::move(result)]() mutable {
        job->result = std::move(result);
        job->done.cancel();
      });
    }
  }

  /// Waits for work, in self.job. False: the thread is to end.
  bool get_work(Worker& self, std::unique_ptr<State>& state, std::unique_lock<std::mutex>& lock) {
    while (!self.job) {
      if (!queue_.empty()) {
        self.job = std::move(queue_.front());
        queue_.pop_front();
        break;
      }
      if (closing_) return false;
      self.ready = state && is_ready(*state);
      idle_workers_.push_back(&self);
      if (self.wake.wait_for(lock, idle_, [&] { return closing_ || self.job; })) {
        std::erase(idle_workers_, &self);
        continue;
      }
      std::erase(idle_workers_, &self);
      lock.unlock();
      state.reset();  // may take a while: a connection says goodbye
      lock.lock();
      if (!queue_.empty()) continue;
      self.ended = true;
      return false;
    }
    return true;
  }

  Result<T> perform(Job& job, std::unique_ptr<State>& state) {
    try {
      if (!state) state = make_state_();
      return job.work(*state, job.cancelled);
    } catch (const std::exception& e) {
      return fail(ErrorKind::internal, e.what());
    }
  }

  void join_ended() {
    std::erase_if(workers_, [](Worker& worker) {
      if (worker.ended) worker.thread.join();
      return worker.ended;
    });
  }

  const unsigned limit_;
  const std::chrono::milliseconds idle_;
  const std::function<std::unique_ptr<State>()> make_state_;

  mutable std::mutex mutex_;
  bool closing_ = false;
  std::deque<std::shared_ptr<Job>> queue_;  ///< what no thread was free for
  std::list<Worker> workers_;               ///< a list: their addresses stay
  std::vector<Worker*> idle_workers_;       ///< the last to become so at the end
};

}  // namespace s3link::smtp
