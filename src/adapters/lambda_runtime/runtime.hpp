#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/http_client.hpp"
#include "ports/invocation_handler.hpp"
#include "ports/logger.hpp"

namespace s3link::lambda_runtime {

struct RuntimeOptions {
  std::string host;  ///< of AWS_LAMBDA_RUNTIME_API
  std::uint16_t port = 80;
  /// How long before the deadline a handler that is not done is given up and the error sent. Less than what handlers
  /// keep for their answer themselves, so that it comes to this only where one does not keep its word.
  std::chrono::milliseconds answer_margin = std::chrono::milliseconds(200);
};

/// Lambda's Runtime API, from the runtime's side: fetches one invocation after the other, has it handled and sends the
/// answer back.
///
/// Every invocation is answered before its deadline, with the error s3link.Timeout where the handler is not done by
/// then. Where an answer was written and the connection ended before the API confirmed it, it is not known whether it
/// was taken: the next invocation is fetched, and only if that is the same one, the answer is sent again; the handler
/// is not called twice. A connection that ended while nothing was under way (the environment was frozen) is replaced.
///
/// Thread safety: all calls on the executor that run() is awaited on. What it was made with must outlive it.
/// Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes", version 2018-06-01.
class Runtime {
 public:
  Runtime(RuntimeOptions options, ports::HttpClient& http, ports::InvocationHandler& handler, ports::Clock& clock,
          ports::Logger& logger);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Runs until stop(). Errors: internal (the API answered 5xx, after which a runtime is to exit; or the handler went
  /// on after it was cancelled), transient (the API cannot be reached any more).
  Awaitable<Status> run();

  /// Makes run() return: at once while it waits for an invocation, else after the running one was answered.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Tells the API that the function cannot start, and why. Errors: as the client's, or internal (it was refused).
Awaitable<Status> report_init_error(RuntimeOptions options, ports::HttpClient& http, ports::InvocationError error);

}  // namespace s3link::lambda_runtime
