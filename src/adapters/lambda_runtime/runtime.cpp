#include "adapters/lambda_runtime/runtime.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <exception>
#include <optional>
#include <utility>

#include "adapters/lambda_runtime/api.hpp"

namespace s3link::lambda_runtime {

namespace {

using ports::Invocation;
using ports::InvocationError;
using ports::LogLevel;
using Handled = std::expected<std::string, InvocationError>;
using Response = Result<ports::HttpClientResponse>;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
// Lambda's limit of an event is 6 MiB; its emulator allows 100 bytes more, and so do we.
constexpr std::size_t kMaxPayload = std::size_t{6} * 1024 * 1024 + 100;
// So many failures of the API in a row, with pauses that add up to some 2 s, end the process: Lambda starts another.
constexpr unsigned kMaxFailures = 15;
constexpr std::chrono::milliseconds kFirstPause{5};
constexpr std::chrono::milliseconds kMaxPause{200};
constexpr std::size_t kMaxLogged = 300;

// Something that runs beside the loop, which waits for `changed` and then looks what it was.
struct Beside {
  explicit Beside(const asio::any_io_executor& executor) : changed(executor, asio::steady_timer::time_point::max()) {}

  asio::steady_timer changed;
  asio::cancellation_signal cancel;
};

template <class T>
struct Outcome : Beside {
  using Beside::Beside;
  std::optional<T> value;
  std::exception_ptr thrown;

  bool ended() const { return value || thrown; }
};

// What was cancelled still has to end by itself: with throw_if_cancelled, co_spawn's own last step would throw out of
// the io_context.
template <class T>
Awaitable<void> keep_outcome(Awaitable<T> work, std::shared_ptr<Outcome<T>> outcome) {
  try {
    outcome->value = co_await std::move(work);
  } catch (...) {
    outcome->thrown = std::current_exception();
  }
  co_await asio::this_coro::throw_if_cancelled(false);
}

template <class T>
std::shared_ptr<Outcome<T>> start(const asio::any_io_executor& executor, Awaitable<T> work) {
  auto outcome = std::make_shared<Outcome<T>>(executor);
  asio::co_spawn(executor, keep_outcome(std::move(work), outcome),
                 asio::bind_cancellation_slot(outcome->cancel.slot(), [outcome](const std::exception_ptr& thrown) {
                   if (thrown && !outcome->ended()) outcome->thrown = thrown;
                   outcome->changed.cancel();
                 }));
  return outcome;
}

std::string reason_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

struct Alarm : Beside {
  using Beside::Beside;
  bool rang = false;
};

Awaitable<void> ring_at(ports::Clock& clock, Instant moment) {
  try {
    co_await clock.sleep_until(moment);
  } catch (const boost::system::system_error&) {
    // Cancelled: nobody listens any more.
  }
  co_await asio::this_coro::throw_if_cancelled(false);
}

// Read by AWS's libraries; ours gets the header with the invocation.
void publish_trace(const std::string& header) {
  // No other thread reads the environment now: names are resolved, in Asio's thread, while an invocation runs only.
  if (header.empty()) {
    ::unsetenv("_X_AMZN_TRACE_ID");  // NOLINT(concurrency-mt-unsafe)
  } else {
    ::setenv("_X_AMZN_TRACE_ID", header.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  }
}

std::unexpected<Error> gave_up(const std::string& what, unsigned status) {
  return fail(ErrorKind::internal, what + " was answered with status " + std::to_string(status));
}

}  // namespace

struct Runtime::State {
  State(RuntimeOptions chosen, ports::HttpClient& http, ports::InvocationHandler& called, ports::Clock& time,
        ports::Logger& log)
      : options(std::move(chosen)), api(http, options.host, options.port), handler(called), clock(time), logger(log) {}

  Awaitable<Status> run();
  Awaitable<Response> fetch();
  Awaitable<Status> serve(Invocation invocation);
  Awaitable<Handled> handle(Invocation invocation);
  Awaitable<Status> send(Answer answer);
  Awaitable<Status> await_end(Instant deadline);
  Awaitable<void> pause();
  Awaitable<bool> ends_by(Instant moment, std::shared_ptr<Outcome<Handled>> call);

  void warn(std::string_view message, std::vector<ports::LogField> fields) const {
    logger.log(LogLevel::warning, message, std::move(fields));
  }

  const RuntimeOptions options;
  Api api;
  ports::InvocationHandler& handler;
  ports::Clock& clock;
  ports::Logger& logger;

  bool stopping = false;
  unsigned failures = 0;            // of the API, in a row
  std::shared_ptr<Beside> waiting;  // what stop() ends: the wait for an invocation, or the pause before the next try
  std::shared_ptr<Outcome<Handled>> given_up;  // the handler's call that was out of time, until it has ended
  std::optional<Answer> unconfirmed;           // sent, but the connection ended before the API said so
};

Awaitable<Response> Runtime::State::fetch() {
  const auto fetched = start(co_await asio::this_coro::executor, api.next());
  waiting = fetched;
  while (!fetched->ended()) {
    if (stopping) {
      // Again and again, since a signal between two steps of the exchange is lost.
      fetched->changed.expires_after(kFirstPause);
      fetched->cancel.emit(asio::cancellation_type::terminal);
    }
    co_await fetched->changed.async_wait(kToken);
  }
  waiting.reset();
  if (fetched->thrown) co_return fail(ErrorKind::internal, reason_of(fetched->thrown));
  co_return std::move(*fetched->value);
}

Awaitable<void> Runtime::State::pause() {
  ++failures;
  const auto pause = std::make_shared<Beside>(co_await asio::this_coro::executor);
  pause->changed.expires_after(std::min(kMaxPause, kFirstPause * (1 << std::min(failures, 10U))));
  waiting = pause;
  co_await pause->changed.async_wait(kToken);
  waiting.reset();
}

Awaitable<Status> Runtime::State::run() {
  while (!stopping) {
    auto response = co_await fetch();
    if (!response) {
      if (stopping) break;
      warn("next failed", {{"error", response.error().message}});
      if (failures >= kMaxFailures) co_return std::unexpected(std::move(response.error()));
      co_await pause();
      continue;
    }
    if (response->status >= 500) co_return gave_up("next", response->status);
    if (response->status != 200) {
      warn("next was refused",
           {{"status", std::to_string(response->status)}, {"answer", response->body.substr(0, kMaxLogged)}});
      if (failures >= kMaxFailures) co_return gave_up("next", response->status);
      co_await pause();
      continue;
    }
    auto invocation = read_invocation(std::move(*response));
    if (!invocation) {
      warn("what next gave is no invocation", {{"error", invocation.error().message}});
      co_await pause();
      continue;
    }
    failures = 0;
    if (const auto served = co_await serve(std::move(*invocation)); !served) co_return served;
  }
  co_return Status{};
}

Awaitable<Status> Runtime::State::serve(Invocation invocation) {
  const std::string id = invocation.request_id;
  const Instant deadline = invocation.deadline;
  if (unconfirmed && unconfirmed->request_id == id) {
    warn("the answer had not arrived, it is sent again", {{"request_id", id}});
    co_return co_await send(*std::exchange(unconfirmed, std::nullopt));
  }
  unconfirmed.reset();
  const auto refusal = [&id](std::string type, std::string message) {
    return failure(id, {std::move(type), std::move(message)});
  };
  if (deadline == Instant{}) {
    co_return co_await send(refusal("s3link.InvalidInvocation", "Lambda-Runtime-Deadline-Ms is missing or no number"));
  }
  if (invocation.payload.size() > kMaxPayload) {
    co_return co_await send(refusal("s3link.EventTooLarge", "the event is larger than 6 MiB"));
  }
  publish_trace(invocation.trace_header);
  auto outcome = co_await handle(std::move(invocation));
  const auto sent = co_await send(outcome ? success(id, std::move(*outcome)) : failure(id, outcome.error()));
  if (!sent) co_return sent;
  co_return co_await await_end(deadline);
}

// Whether the call ends before that moment; it is not ended by this.
Awaitable<bool> Runtime::State::ends_by(Instant moment, std::shared_ptr<Outcome<Handled>> call) {
  const auto alarm = std::make_shared<Alarm>(co_await asio::this_coro::executor);
  asio::co_spawn(alarm->changed.get_executor(), ring_at(clock, moment),
                 asio::bind_cancellation_slot(alarm->cancel.slot(), [alarm, call](const std::exception_ptr&) {
                   alarm->rang = true;
                   call->changed.cancel();
                 }));
  while (!call->ended() && !alarm->rang) co_await call->changed.async_wait(kToken);
  alarm->cancel.emit(asio::cancellation_type::terminal);
  co_return call->ended();
}

Awaitable<Handled> Runtime::State::handle(Invocation invocation) {
  const Instant last_moment = invocation.deadline - options.answer_margin;
  const auto call = start(co_await asio::this_coro::executor, handler.handle(std::move(invocation)));
  if (co_await ends_by(last_moment, call)) {
    if (call->thrown) co_return std::unexpected(InvocationError{"s3link.Internal", reason_of(call->thrown)});
    co_return std::move(*call->value);
  }
  given_up = call;
  call->cancel.emit(asio::cancellation_type::terminal);
  co_return std::unexpected(InvocationError{
      "s3link.Timeout", "not done " + std::to_string(options.answer_margin.count()) + " ms before the deadline"});
}

// A handler that was given up must have ended before the next invocation; Lambda kills us at the deadline anyway.
Awaitable<Status> Runtime::State::await_end(Instant deadline) {
  const auto call = std::exchange(given_up, nullptr);
  if (!call || co_await ends_by(deadline, call)) co_return Status{};
  co_return fail(ErrorKind::internal, "the handler went on after its invocation was given up");
}

Awaitable<Status> Runtime::State::send(Answer answer) {
  const std::vector<ports::LogField> id = {{"request_id", answer.request_id}};
  const auto with = [&id](std::string name, std::string value) {
    auto fields = id;
    fields.push_back({std::move(name), std::move(value)});
    return fields;
  };
  while (true) {
    const auto response = co_await api.answer(answer);
    if (!response) {
      if (response.error().code != "connection") {
        warn("whether the answer arrived is not known", with("error", response.error().message));
        unconfirmed = std::move(answer);
        co_return Status{};
      }
      warn("the answer could not be sent", with("error", response.error().message));
      if (failures >= kMaxFailures) co_return std::unexpected(response.error());
      co_await pause();
      continue;
    }
    failures = 0;
    if (response->status >= 500) co_return gave_up("the answer", response->status);
    if (response->status / 100 == 2) co_return Status{};
    auto refused = with("status", std::to_string(response->status));
    refused.push_back({"answer", response->body.substr(0, kMaxLogged)});
    warn("the answer was refused", std::move(refused));
    if (response->status != 413 || answer.failed) co_return Status{};
    answer = failure(answer.request_id, {"s3link.ResponseTooLarge", "Lambda took the answer to be too large"});
  }
}

Runtime::Runtime(RuntimeOptions options, ports::HttpClient& http, ports::InvocationHandler& handler,
                 ports::Clock& clock, ports::Logger& logger)
    : state_(std::make_unique<State>(std::move(options), http, handler, clock, logger)) {}

Runtime::~Runtime() = default;

Awaitable<Status> Runtime::run() { return state_->run(); }

void Runtime::stop() {
  state_->stopping = true;
  if (state_->waiting) state_->waiting->changed.cancel();
}

Awaitable<Status> report_init_error(RuntimeOptions options, ports::HttpClient& http, InvocationError error) {
  Api api(http, std::move(options.host), options.port);
  const auto response = co_await api.init_error(std::move(error));
  if (!response) co_return std::unexpected(response.error());
  if (response->status / 100 != 2) co_return gave_up("the report of the error", response->status);
  co_return Status{};
}

}  // namespace s3link::lambda_runtime
