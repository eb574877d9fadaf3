#include "adapters/lambda_runtime/api.hpp"

#include <algorithm>
#include <charconv>
#include <span>

#include "adapters/lambda_runtime/error_document.hpp"
#include "core/base/encoding.hpp"
#include "core/base/instant.hpp"

namespace s3link::lambda_runtime {

namespace {

constexpr std::string_view kPrefix = "/2018-06-01/runtime/";
// `next` waits until there is work, and the environment is frozen meanwhile: a year stands for "no limit".
constexpr std::chrono::hours kNoLimit{24 * 365};
// The API is a process on the same machine.
constexpr std::chrono::seconds kPostLimit{10};
constexpr std::size_t kMaxRequestId = 128;

class WholeBody final : public ports::HttpBodySource {
 public:
  explicit WholeBody(const std::string& body) : body_(body) {}
  Awaitable<Result<std::span<const std::byte>>> next() override {
    co_return std::exchange(given_, true) ? std::span<const std::byte>() : as_bytes(body_);
  }

 private:
  const std::string& body_;
  bool given_ = false;
};

bool is_request_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxRequestId && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string field_of(const ports::HttpFields& fields, std::string_view name) {
  const std::string* const value = ports::find_field(fields, name);
  return value == nullptr ? std::string() : *value;
}

}  // namespace

Answer success(std::string request_id, std::string body) { return {std::move(request_id), false, {}, std::move(body)}; }

Answer failure(std::string request_id, const ports::InvocationError& error) {
  return {std::move(request_id), true, error_type_field(error.type), error_document(error)};
}

ports::HttpClientRequest Api::request(std::string method, std::string target) const {
  const std::string name = host_.contains(':') ? '[' + host_ + ']' : host_;
  return {.scheme = "http",
          .host = name,
          .port = port_,
          .method = std::move(method),
          .target = std::string(kPrefix) + std::move(target),
          .fields = {{"Host", name + ':' + std::to_string(port_)}, {"User-Agent", "s3link/" S3LINK_VERSION}},
          .body_length = 0};
}

Awaitable<Result<ports::HttpClientResponse>> Api::next() {
  return http_.exchange(request("GET", "invocation/next"), nullptr, kNoLimit);
}

Awaitable<Result<ports::HttpClientResponse>> Api::post(std::string target, ports::HttpFields fields, std::string body) {
  auto made = request("POST", std::move(target));
  made.fields.insert(made.fields.end(), fields.begin(), fields.end());
  made.body_length = body.size();
  WholeBody source(body);
  co_return co_await http_.exchange(std::move(made), &source, kPostLimit);
}

Awaitable<Result<ports::HttpClientResponse>> Api::answer(Answer answer) {
  ports::HttpFields fields = {{"Content-Type", "application/json"}};
  if (answer.failed) fields.emplace_back("Lambda-Runtime-Function-Error-Type", answer.error_type);
  return post("invocation/" + answer.request_id + (answer.failed ? "/error" : "/response"), std::move(fields),
              std::move(answer.body));
}

Awaitable<Result<ports::HttpClientResponse>> Api::init_error(ports::InvocationError error) {
  return post(
      "init/error",
      {{"Content-Type", "application/json"}, {"Lambda-Runtime-Function-Error-Type", error_type_field(error.type)}},
      error_document(error));
}

Result<ports::Invocation> read_invocation(ports::HttpClientResponse response) {
  const auto& fields = response.fields;
  ports::Invocation invocation;
  invocation.request_id = field_of(fields, "Lambda-Runtime-Aws-Request-Id");
  if (!is_request_id(invocation.request_id)) {
    return fail(ErrorKind::invalid_argument, "the invocation has no request id");
  }
  const std::string deadline = field_of(fields, "Lambda-Runtime-Deadline-Ms");
  std::int64_t ms = 0;
  const auto [end, ec] = std::from_chars(deadline.data(), deadline.data() + deadline.size(), ms);
  if (ec == std::errc{} && end == deadline.data() + deadline.size() && ms > 0) invocation.deadline = from_unix_ms(ms);
  invocation.trace_header = field_of(fields, "Lambda-Runtime-Trace-Id");
  invocation.function_arn = field_of(fields, "Lambda-Runtime-Invoked-Function-Arn");
  invocation.payload = std::move(response.body);
  return invocation;
}

}  // namespace s3link::lambda_runtime
