#include "adapters/aws/signed_call.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "adapters/aws/service_error.hpp"
#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/sigv4/sign.hpp"

namespace s3link::aws {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{100};
/// Who was told to slow down waits longer.
constexpr milliseconds kFirstThrottlePause{400};
constexpr milliseconds kMaxPause{5'000};
/// With less time left no further attempt is worth it: a connection and an answer take that long.
constexpr milliseconds kMinAttempt{200};
/// AWS takes a signature that is up to 5 minutes off; what refuses less than that has another reason.
constexpr std::chrono::minutes kMinSkew{4};

class WholeBody final : public ports::HttpBodySource {
 public:
  explicit WholeBody(const Secret& body) : body_(body) {}
  Awaitable<Result<std::span<const std::byte>>> next() override {
    co_return std::exchange(given_, true) ? std::span<const std::byte>() : as_bytes(body_.reveal());
  }

 private:
  const Secret& body_;
  bool given_ = false;
};

/// How long one attempt may take. A hung one is given up early where it may be repeated; where it may not, only so much
/// is kept as a connection that could not be made needs.
milliseconds attempt_limit(milliseconds left, bool idempotent) {
  const milliseconds part = idempotent
                                ? std::clamp<milliseconds>(left / 3, std::chrono::seconds(1), std::chrono::seconds(5))
                                : std::max<milliseconds>(left / 2, std::chrono::seconds(2));
  return std::min(left, part);
}

/// Doubled with each retry; of that a random part, at least half, so that what failed together does not return
/// together.
milliseconds pause_before(unsigned retry, bool throttled, std::uint64_t random) {
  milliseconds pause = throttled ? kFirstThrottlePause : kFirstPause;
  for (unsigned i = 0; i < retry && pause < kMaxPause; ++i) pause *= 2;
  pause = std::min(pause, kMaxPause);
  const auto half = static_cast<std::uint64_t>(pause.count()) / 2;
  return pause - milliseconds(static_cast<milliseconds::rep>(random % (half + 1)));
}

/// A failed attempt, and what decides whether there is another one.
struct Refusal {
  CallFailure failure;
  bool throttled = false;
  bool may_pass = false;         ///< soon, by itself
  std::optional<Instant> clock;  ///< AWS's, where ours may be the reason
};

Refusal lost(Error error, std::span<const std::string_view> secrets) {
  const bool nothing_sent = error.code == "connection";
  error.code = nothing_sent ? "connection" : "unknown";
  error.message = clean_message(error.message, secrets);
  const bool may_pass = error.kind == ErrorKind::transient;
  return {.failure = {.error = std::move(error), .maybe_done = !nothing_sent, .status = 0, .body = {}},
          .throttled = false,
          .may_pass = may_pass,
          .clock = std::nullopt};
}

Refusal refused(ports::HttpClientResponse answer, std::span<const std::string_view> secrets) {
  ServiceError said = read_service_error(answer);
  const bool from_aws = !said.code.empty();
  std::string message = clean_message(said.message, secrets);
  if (message.empty()) {
    message = fmt::format("HTTP {}{}", answer.status, from_aws ? "" : ", without an error code of AWS");
  }
  Refusal refusal;
  const ErrorKind kind = kind_of(answer.status, said.code);
  refusal.throttled = is_throttle(answer.status, said.code);
  refusal.may_pass = kind == ErrorKind::transient && !is_daily_quota(message);
  const std::string* const date = ports::find_field(answer.fields, "Date");
  if (date != nullptr && may_be_clock_error(said.code)) refusal.clock = parse_http_date(*date);
  refusal.failure = {
      .error = {.kind = kind, .message = std::move(message), .code = from_aws ? std::move(said.code) : "unknown"},
      .maybe_done = !from_aws,
      .status = answer.status,
      .body = std::move(answer.body)};
  return refusal;
}

std::string request_id_of(const ports::HttpFields& fields) {
  for (const std::string_view name : {"x-amzn-RequestId", "x-amz-request-id"}) {
    if (const std::string* const id = ports::find_field(fields, name)) return clean_message(*id, {});
  }
  return {};
}

void note_answer(trace::Segment& segment, const Result<ports::HttpClientResponse>& answer) {
  segment.http_status = answer ? answer->status : 0;
  segment.aws->request_id = answer ? request_id_of(answer->fields) : std::string();
}

void note_failure(trace::Segment& segment, const Refusal& refusal) {
  const CallFailure& failure = refusal.failure;
  segment.throttle = refusal.throttled;
  segment.error = failure.status >= 300 && failure.status < 500;
  segment.fault = !segment.error;
  segment.cause = trace::Cause{.type = failure.error.code, .message = failure.error.message};
}

}  // namespace

Awaitable<Result<ports::HttpClientResponse>> Caller::send(const Endpoint& endpoint, const Call& call,
                                                          std::string_view payload_hash, milliseconds limit) {
  sigv4::OutgoingRequest signing{.method = call.method,
                                 .host = call.host_prefix + endpoint.authority(),
                                 .target = endpoint.base + call.target,
                                 .fields = call.fields};
  sigv4::sign_request(signing, credentials_, keys_, region_, signing_name(endpoint.service), payload_hash,
                      clock_.now() + skew_);
  signing.fields.emplace_back("User-Agent", "s3link/" S3LINK_VERSION);
  WholeBody body(call.body);
  const std::size_t length = call.body.reveal().size();
  co_return co_await http_.exchange({.scheme = endpoint.scheme,
                                     .host = call.host_prefix + endpoint.host,
                                     .port = endpoint.port,
                                     .method = std::move(signing.method),
                                     .target = std::move(signing.target),
                                     .fields = std::move(signing.fields),
                                     .body_length = length},
                                    length == 0 ? nullptr : &body, limit);
}

Awaitable<CallResult> Caller::call(const Endpoint& endpoint, Call call, Instant deadline, trace::Segment& under) {
  trace::Segment segment;
  segment.name = display_name(endpoint.service);
  segment.name_space = "aws";
  segment.start = clock_.now();
  segment.aws = trace::Segment::Aws{.operation = call.operation, .region = region_, .request_id = {}, .retries = 0};

  const std::array<std::string_view, 2> secrets = {credentials_.secret_access_key.reveal(),
                                                   credentials_.session_token.reveal()};
  const std::string payload_hash = hex_encode(sha256(call.body.reveal()));
  Refusal refusal =
      lost({.kind = ErrorKind::transient, .message = "no time was left for it", .code = "connection"}, {});
  std::optional<ports::HttpClientResponse> success;
  bool clock_set = false;
  unsigned pauses = 0;
  for (milliseconds left = deadline - clock_.now(); left > milliseconds(0); left = deadline - clock_.now()) {
    const milliseconds skew = skew_;
    auto answer = co_await send(endpoint, call, payload_hash, attempt_limit(left, call.idempotent));
    note_answer(segment, answer);
    if (answer && answer->status / 100 == 2) {
      success = *std::move(answer);
      break;
    }
    const bool maybe_done = refusal.failure.maybe_done;
    refusal = answer ? refused(*std::move(answer), secrets) : lost(std::move(answer.error()), secrets);
    refusal.failure.maybe_done |= maybe_done;

    const Instant now = clock_.now();
    if (refusal.clock && !clock_set && std::chrono::abs(*refusal.clock - (now + skew)) > kMinSkew) {
      skew_ = *refusal.clock - now;
      clock_set = true;
      ++segment.aws->retries;
      continue;
    }
    if (!refusal.may_pass || (refusal.failure.maybe_done && !call.idempotent)) break;
    const Instant again = now + pause_before(pauses++, refusal.throttled, random_.next_u64());
    if (again + kMinAttempt > deadline) break;
    co_await clock_.sleep_until(again);
    ++segment.aws->retries;
  }
  segment.end = clock_.now();
  if (!success) note_failure(segment, refusal);
  under.children.push_back(std::move(segment));
  if (success) co_return *std::move(success);
  co_return std::unexpected(std::move(refusal.failure));
}

}  // namespace s3link::aws
