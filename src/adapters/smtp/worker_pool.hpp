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
/// `idle`. Each thread has a State of its own, made and destroyed on it: a connection, say.
/// Must be destroyed before the io_contexts its callers run on. The destructor tells running work that it is cancelled,
/// and waits for it.
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
    std::vector<std::thread> threads;
    {
      const std::scoped_lock lock(mutex_);
      closing_ = true;
      for (const auto& job : queue_) job->cancelled = true;
      for (const auto& job : running_) job->cancelled = true;
      threads.swap(threads_);
    }
    wake_.notify_all();
    for (auto& thread : threads) thread.join();
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
    return threads_.size() - ended_.size();
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

  Status enqueue(const std::shared_ptr<Job>& job) {
    const std::scoped_lock lock(mutex_);
    join_ended();
    queue_.push_back(job);
    if (idle_threads_ < queue_.size() && threads_.size() < limit_) {
      try {
        threads_.emplace_back([this] { serve(); });
      } catch (const std::system_error& e) {
        if (threads_.empty()) {
          queue_.pop_back();
          return fail(ErrorKind::transient, std::string("no thread to send mail: ") + e.what());
        }
      }
    }
    wake_.notify_one();
    return {};
  }

  void serve() {
    std::unique_ptr<State> state;
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_threads_;
      const bool woken = wake_.wait_for(lock, idle_, [this] { return closing_ || !queue_.empty(); });
      --idle_threads_;
      if (queue_.empty() && closing_) return;
      if (queue_.empty() && !woken) {
        lock.unlock();
        state.reset();  // may take a while: a connection says goodbye
        lock.lock();
        if (!queue_.empty()) continue;
        if (!closing_) ended_.push_back(std::this_thread::get_id());
        return;
      }
      auto job = std::move(queue_.front());
      queue_.pop_front();
      running_.push_back(job);
      lock.unlock();
      auto result = perform(*job, state);
      lock.lock();
      std::erase(running_, job);
      // The result is set where the coroutine runs, so that the two never touch it at once. The job goes along: its
      // timer must not be destroyed here, when its io_context may be gone.
      const auto executor = job->done.get_executor();
      asio::post(executor, [job = std::move(job), result = std::move(result)]() mutable {
        job->result = std::move(result);
        job->done.cancel();
      });
    }
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
    for (const auto id : std::exchange(ended_, {})) {
      const auto thread =
          std::find_if(threads_.begin(), threads_.end(), [id](const auto& t) { return t.get_id() == id; });
      thread->join();
      threads_.erase(thread);
    }
  }

  const unsigned limit_;
  const std::chrono::milliseconds idle_;
  const std::function<std::unique_ptr<State>()> make_state_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  std::size_t idle_threads_ = 0;
  std::deque<std::shared_ptr<Job>> queue_;
  std::vector<std::shared_ptr<Job>> running_;
  std::vector<std::thread> threads_;
  std::vector<std::thread::id> ended_;  ///< of threads_, to be joined
};

}  // namespace s3link::smtp
