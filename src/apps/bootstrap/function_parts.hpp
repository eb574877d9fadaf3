#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <memory>

#include "adapters/aws/dynamodb_ledger.hpp"
#include "adapters/aws/s3_listing.hpp"
#include "adapters/aws/ses_sender.hpp"
#include "adapters/aws/signed_call.hpp"
#include "apps/bootstrap/environment.hpp"
#include "ports/credentials_source.hpp"
#include "ports/http_client.hpp"
#include "ports/metric_sink.hpp"
#include "ports/trace_sink.hpp"
#include "services/lambda/link_function.hpp"

namespace s3link::bootstrap {

/// The function with all it works with, built from its environment.
class FunctionParts {
 public:
  /// How long the key that links are signed with is waited for at the start; Lambda allows 10 s for all of it.
  static constexpr std::chrono::seconds kPrepareTime{5};

  /// What is passed by reference must outlive it.
  FunctionParts(Environment environment, ports::HttpClient& http, ports::Clock& clock, ports::Random& random,
                ports::TraceSink& traces, ports::MetricSink& metrics, ports::Logger& logger);

  /// Reads the key that links are signed with, where it is kept elsewhere. Where that fails it is logged, and the first
  /// invocation tries again.
  Awaitable<void> prepare();

  ports::InvocationHandler& function() noexcept { return function_; }

 private:
  const Environment environment_;
  ports::Clock& clock_;
  ports::Logger& logger_;
  aws::Caller caller_;
  aws::SesSender mail_;
  aws::S3Listing listing_;
  const std::unique_ptr<ports::CredentialsSource> link_credentials_;
  const std::unique_ptr<ports::ClaimLedger> ledger_;
  lambda::LinkFunction function_;
};

}  // namespace s3link::bootstrap
