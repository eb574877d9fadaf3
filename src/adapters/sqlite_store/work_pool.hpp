#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

#include "ports/awaitable.hpp"

namespace s3link::sqlite_store {

/// A few threads for what would hold up an io thread: disk writes, syncs, reads of cold files, digests of large bodies.
/// Thread safety: any number of calls at a time.
class WorkPool {
 public:
  explicit WorkPool(std::size_t threads) : threads_(threads) {}

  /// Runs `work` on one of the threads; its value comes back to the caller's executor. Not cancellable: what `work`
  /// refers to must live until then.
  template <class Work>
  Awaitable<std::invoke_result_t<Work&>> run(Work work) {
    using Value = std::invoke_result_t<Work&>;
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(Value)>(
        [this](auto handler, Work job) {
          auto guard = asio::make_work_guard(handler);  // the caller's context does not run out of work meanwhile
          asio::post(threads_,
                     [handler = std::move(handler), job = std::move(job), guard = std::move(guard)]() mutable {
                       Value value = job();
                       auto executor = guard.get_executor();
                       asio::post(executor, [handler = std::move(handler), value = std::move(value)]() mutable {
                         std::move(handler)(std::move(value));
                       });
                     });
        },
        asio::use_awaitable, std::move(work));
  }

  /// Runs `work` some time; nobody waits for it.
  template <class Work>
  void post(Work work) {
    asio::post(threads_, std::move(work));
  }

  /// Waits until all work is done; none may be added afterwards.
  void join() { threads_.join(); }

 private:
  asio::thread_pool threads_;
};

}  // namespace s3link::sqlite_store
