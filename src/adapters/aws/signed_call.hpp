#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "adapters/aws/endpoint.hpp"
#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/sigv4/credentials.hpp"
#include "core/sigv4/signing_key.hpp"
#include "core/trace/segment.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/http_client.hpp"
#include "ports/random.hpp"

namespace s3link::aws {

/// One operation of a service.
struct Call {
  std::string operation;  ///< "SendEmail"
  std::string method = "POST";
  std::string target = "/";  ///< encoded path and query, without the endpoint's base
  ports::HttpFields fields;  ///< further fields; Host is added
  Secret body;
  /// To do it twice is the same as to do it once: it is repeated also when an answer is lost.
  bool idempotent = false;
  std::string host_prefix;  ///< goes before the endpoint's host: "bucket."
};

/// Why an operation did not succeed.
struct CallFailure {
  /// code: AWS's error code without namespace ("ThrottlingException"), "connection" where nothing was sent, "unknown"
  /// where the answer was lost or is not AWS's. kind: transient (throttling, 5xx, connection), denied, not_found,
  /// conflict (a failed condition), else invalid_argument. The message is AWS's, cleaned of control characters and of
  /// what it holds of signatures, tokens and presigned URLs, at most 1,000 bytes.
  Error error;
  bool maybe_done = false;  ///< it may have been acted on: an answer was lost, or came from something before AWS
  unsigned status = 0;      ///< of the last answer; 0: none
  std::string body;         ///< the error document as it came; not to be shown
};

using CallResult = std::expected<ports::HttpClientResponse, CallFailure>;

/// Sends signed requests to AWS, one way for all services. What can succeed later is tried again before the deadline,
/// with growing, jittered pauses: throttling, 5xx, a connection that could not be made; a lost answer, or one that is
/// not AWS's, only where the call is idempotent. One attempt takes a part of the time only, so that another one
/// remains. A clock that is wrong is put right once a call by the Date of the answer that says so.
/// Thread safety: any number of calls at a time on one executor. What it refers to must outlive it.
/// Sources: AWS SDKs and Tools Reference Guide, "Retry behavior"; Smithy "AWS JSON 1.0/1.1", "restJson1", "restXml".
class Caller {
 public:
  Caller(ports::HttpClient& http, const sigv4::Credentials& credentials, std::string region, ports::Clock& clock,
         ports::Random& random)
      : http_(http),
        credentials_(credentials),
        keys_(credentials.secret_access_key),
        region_(std::move(region)),
        clock_(clock),
        random_(random) {}

  /// The answer, when its status is 2xx. Ends by `deadline`. Hangs one finished subsegment into `under`.
  /// `endpoint` must outlive the awaitable.
  Awaitable<CallResult> call(const Endpoint& endpoint, Call call, Instant deadline, trace::Segment& under);

  const std::string& region() const noexcept { return region_; }

 private:
  Awaitable<Result<ports::HttpClientResponse>> send(const Endpoint& endpoint, const Call& call,
                                                    std::string_view payload_hash, std::chrono::milliseconds limit);

  ports::HttpClient& http_;
  const sigv4::Credentials& credentials_;
  sigv4::SigningKeyCache keys_;
  const std::string region_;
  ports::Clock& clock_;
  ports::Random& random_;
  std::chrono::milliseconds skew_{0};  // AWS's clock less ours
};

}  // namespace s3link::aws
