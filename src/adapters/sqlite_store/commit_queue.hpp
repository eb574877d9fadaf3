#pragma once

#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/health.hpp"
#include "adapters/sqlite_store/meter.hpp"
#include "ports/awaitable.hpp"

namespace s3link::sqlite_store {

/// Something that becomes part of the store by a commit, or not: told which, on the writer's thread, before the request
/// gets its answer.
class CommitParticipant {
 public:
  virtual ~CommitParticipant() = default;
  virtual void committed() noexcept = 0;
  /// The COMMIT failed in a way that leaves open what is on the disk: touch nothing.
  virtual void outcome_unknown() noexcept = 0;
};

/// What a write request may do inside the group's transaction.
class WriteTransaction {
 public:
  Connection& db() noexcept { return db_; }
  /// A number no other write has had or will have; larger than those of all earlier commits.
  std::uint64_t take_number() noexcept { return next_number_++; }
  /// `participant` must live until the request has its answer.
  void join(CommitParticipant& participant) { participants_.push_back(&participant); }
  /// Outbox entries became due: the dispatcher is woken after the commit.
  void added_outbox_entry() noexcept { added_outbox_entry_ = true; }
  /// Rows were added to `dead_letters` or removed: whoever watches it is told after the commit.
  void changed_dead_letters() noexcept { changed_dead_letters_ = true; }
  /// Rows were added to `garbage`: the cleaner is woken after the commit.
  void added_garbage() noexcept { added_garbage_ = true; }

 private:
  friend class CommitQueue;
  WriteTransaction(Connection& db, std::uint64_t& next_number) : db_(db), next_number_(next_number) {}

  Connection& db_;
  std::uint64_t& next_number_;
  std::vector<CommitParticipant*> participants_;
  bool added_outbox_entry_ = false;
  bool changed_dead_letters_ = false;
  bool added_garbage_ = false;
};

/// The one writer of the database: a thread that takes all requests that wait and commits them as one transaction.
///
/// Each request runs under a savepoint: one that fails by itself (a precondition, no such bucket) is undone alone and
/// the others stay. A request has its answer after COMMIT has returned, so an answer that is a value is on the disk.
/// After a COMMIT that failed other than for a lock or for want of space, Health refuses all further requests.
/// Thread safety: any number of calls at a time.
class CommitQueue {
 public:
  struct Listeners {
    std::function<void()> new_outbox_entry;
    std::function<void()> dead_letters_changed;
    std::function<void()> new_garbage;
    std::function<void(int)>
        log_grown;  ///< pages in the log after a commit, which has its answers; may hold the writer
  };

  /// What is passed by reference must outlive the queue.
  CommitQueue(Connection& writer, Health& health, StoreMeter& meter, std::uint64_t next_number);
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;
  ~CommitQueue() { stop(); }

  /// Before start().
  void listen(Listeners listeners) { listeners_ = std::move(listeners); }
  void start();
  /// Commits what waits and ends the thread.
  void stop();

  /// `request(WriteTransaction&) -> Result<T>` runs on the writer's thread. The result comes back to the caller's
  /// executor.
  template <class Request>
  Awaitable<std::invoke_result_t<Request&, WriteTransaction&>> submit(Request request) {
    using Answer = std::invoke_result_t<Request&, WriteTransaction&>;
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(Answer)>(
        [this](auto handler, Request work) {
          auto guard = asio::make_work_guard(handler);
          auto deliver = [handler = std::move(handler), guard = std::move(guard)](Answer answer) mutable {
            auto executor = guard.get_executor();
            asio::post(executor, [handler = std::move(handler), answer = std::move(answer)]() mutable {
              std::move(handler)(std::move(answer));
            });
          };
          add(std::make_unique<JobOf<Answer, Request, decltype(deliver)>>(std::move(work), std::move(deliver)));
        },
        asio::use_awaitable, std::move(request));
  }

  /// The same for a thread that may wait. Not from the writer's thread.
  template <class Request>
  std::invoke_result_t<Request&, WriteTransaction&> run_and_wait(Request request) {
    using Answer = std::invoke_result_t<Request&, WriteTransaction&>;
    std::promise<Answer> promise;
    auto future = promise.get_future();
    auto deliver = [&promise](Answer answer) { promise.set_value(std::move(answer)); };
    add(std::make_unique<JobOf<Answer, Request, decltype(deliver)>>(std::move(request), std::move(deliver)));
    return future.get();
  }

  /// The same when nobody needs the answer.
  template <class Request>
  void post(Request request) {
    using Answer = std::invoke_result_t<Request&, WriteTransaction&>;
    auto ignore = [](const Answer&) {};
    add(std::make_unique<JobOf<Answer, Request, decltype(ignore)>>(std::move(request), ignore));
  }

  struct Counters {
    std::uint64_t transactions = 0;
    std::uint64_t requests = 0;
    std::uint64_t largest_group = 0;
  };
  Counters counters() const noexcept;

 private:
  class Job {
   public:
    virtual ~Job() = default;
    /// Returns whether the request succeeded.
    virtual bool run(WriteTransaction& transaction) = 0;
    /// Replaces the answer.
    virtual void fail_with(const Error& error) = 0;
    virtual void deliver() = 0;
  };

  template <class Answer, class Request, class Deliver>
  class JobOf final : public Job {
   public:
    JobOf(Request request, Deliver deliver) : request_(std::move(request)), deliver_(std::move(deliver)) {}
    bool run(WriteTransaction& transaction) override {
      answer_.emplace((*request_)(transaction));
      return answer_->has_value();
    }
    void fail_with(const Error& error) override { answer_.emplace(std::unexpected(error)); }
    /// What the request holds goes first: a file that was not committed is on its way out before anybody may close the
    /// store.
    void deliver() override {
      request_.reset();
      deliver_(std::move(*answer_));
    }

   private:
    std::optional<Request> request_;
    Deliver deliver_;
    std::optional<Answer> answer_;
  };

  using Group = std::vector<std::unique_ptr<Job>>;

  void add(std::unique_ptr<Job> job);
  void work();
  void commit(Group& group);
  Status run_group(Group& group, WriteTransaction& transaction);
  Status run_one(Job& job, WriteTransaction& transaction);
  void rebuild_indexes();

  Connection& db_;
  Health& health_;
  StoreMeter& meter_;
  Listeners listeners_;
  std::uint64_t next_number_;
  std::uint64_t saved_number_;

  std::mutex mutex_;
  std::condition_variable waiting_;
  Group queue_;
  bool stopping_ = false;
  std::thread thread_;

  std::atomic<std::uint64_t> transactions_ = 0;
  std::atomic<std::uint64_t> requests_ = 0;
  std::atomic<std::uint64_t> largest_group_ = 0;
};

}  // namespace s3link::sqlite_store
