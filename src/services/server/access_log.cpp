#include "services/server/access_log.hpp"

#include <exception>
#include <optional>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/s3/access_log_record.hpp"
#include "core/s3/operation.hpp"

namespace s3link::server {
namespace {

/// What a request is about, read from its head alone: a refused one was never taken apart further.
struct Subject {
  std::string bucket;
  std::string key;
};

Subject subject_of(const ports::HttpRequestHead& request, const std::string& domain) {
  const std::string_view target = request.target;
  std::string_view path = target.substr(0, target.find('?'));
  if (path.starts_with('/')) path.remove_prefix(1);
  const auto decoded = [](std::string_view text) { return uri_decode(text).value_or(std::string(text)); };
  if (std::string bucket = s3::bucket_of_host(request.fields, domain); !bucket.empty()) {
    return {.bucket = std::move(bucket), .key = decoded(path)};
  }
  const auto slash = path.find('/');
  return {.bucket = decoded(path.substr(0, slash)),
          .key = slash == std::string_view::npos ? std::string() : decoded(path.substr(slash + 1))};
}

std::chrono::milliseconds in_ms(std::chrono::microseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

}  // namespace

void AccessLog::finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept {
  try {
    Subject subject{.bucket = record.bucket, .key = record.key};
    if (subject.bucket.empty()) subject = subject_of(request, settings_.domain);
    if (subject.bucket != settings_.bucket.text()) return;

    const auto field = [&](std::string_view name) -> std::string_view {
      const std::string* const value = ports::find_field(request.fields, name);
      return value == nullptr ? std::string_view() : std::string_view(*value);
    };
    const bool authenticated = !record.requester.empty();
    const std::string_view how = record.presigned ? "QueryString" : "AuthHeader";
    const std::string operation = s3::access_log_operation(request.method, request.target, !subject.key.empty());
    add(s3::access_log_line({.bucket_owner = s3::kOwnerId,
                             .bucket = subject.bucket,
                             .time = record.received,
                             .remote_ip = request.remote_address,
                             .requester = record.requester,
                             .request_id = record.request_id,
                             .operation = operation,
                             .key = subject.key,
                             .method = request.method,
                             .target = request.target,
                             .status = record.status,
                             .error_code = record.error_code,
                             .bytes_sent = record.bytes_sent,
                             .object_size = record.object_size,
                             .total = in_ms(record.total),
                             .turn_around = record.turn_around.transform(in_ms),
                             .referer = field("Referer"),
                             .user_agent = field("User-Agent"),
                             .version_id = {},
                             .host_id = record.host_id,
                             .signature_version = authenticated ? "SigV4" : "",
                             .cipher_suite = request.tls_cipher,
                             .authentication_type = authenticated ? how : std::string_view(),
                             .host = field("Host"),
                             .tls_version = request.tls_version,
                             .region = settings_.region}));
  } catch (const std::exception&) {  // no memory: as if the log were full
    const std::lock_guard lock(mutex_);
    drop_line();
  }
}

void AccessLog::drop_line() noexcept {
  ++dropped_;
  lost_.fetch_add(1, std::memory_order_relaxed);
}

void AccessLog::add(std::string line) {
  line += '\n';
  const std::lock_guard lock(mutex_);
  if (waiting_.count + taken_lines_ >= kMaxLines || waiting_.text.size() + taken_bytes_ + line.size() > kMaxBytes) {
    drop_line();
    return;
  }
  waiting_.text += line;
  if (++waiting_.count == 1 && wake_) wake_();
}

void AccessLog::on_first_line(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

bool AccessLog::empty() const {
  const std::lock_guard lock(mutex_);
  return waiting_.count == 0;
}

AccessLog::Taken AccessLog::take() {
  const std::lock_guard lock(mutex_);
  taken_lines_ = waiting_.count;
  taken_bytes_ = waiting_.text.size();
  return {.lines = std::exchange(waiting_, {}), .dropped = std::exchange(dropped_, 0)};
}

void AccessLog::kept() {
  const std::lock_guard lock(mutex_);
  taken_lines_ = 0;
  taken_bytes_ = 0;
}

void AccessLog::give_back(ports::AccessLogLines lines) {
  const std::lock_guard lock(mutex_);
  taken_lines_ = 0;
  taken_bytes_ = 0;
  waiting_.count += lines.count;
  waiting_.text = std::move(lines.text) + waiting_.text;
}

}  // namespace s3link::server
