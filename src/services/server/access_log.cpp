#include "services/server/access_log.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "core/s3/access_log_record.hpp"
#include "core/s3/operation.hpp"
#include "services/server/request_subject.hpp"

namespace s3link::server {
namespace {

std::chrono::milliseconds in_ms(std::chrono::microseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

}  // namespace

AccessLog::AccessLog(AccessLogSettings settings) : settings_(std::move(settings)), budget_bytes_(0) {}

void AccessLog::finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept {
  try {
    const RequestSubject subject = names_of(request, record, settings_.domain);
    if (subject.bucket != settings_.bucket.text()) return;

    const auto field = [&](std::string_view name) -> std::string_view {
      const std::string* const value = ports::find_field(request.fields, name);
      return value == nullptr ? std::string_view() : std::string_view(*value);
    };
    const bool authenticated = !record.requester.empty();
    const std::string_view how = record.presigned ? "QueryString" : "AuthHeader";
    const std::string operation = s3::access_log_operation(request.method, request.target, !subject.key.empty());
    auto line = s3::access_log_line({.bucket_owner = s3::kOwnerId,
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
                                     .region = settings_.region});
    add(std::move(line), authenticated, record.received);
  } catch (const std::exception&) {  // no memory: as if the log were full
    const std::lock_guard lock(mutex_);
    drop_line(record.requester.empty() ? refused_ : authenticated_);
  }
}

void AccessLog::drop_line(Share& share) noexcept {
  ++share.dropped;
  (&share == &refused_ ? refused_lost_ : lost_).fetch_add(1, std::memory_order_relaxed);
}

void AccessLog::add(std::string line, bool authenticated, Instant when) {
  line += '\n';
  const std::lock_guard lock(mutex_);
  Share& share = authenticated ? authenticated_ : refused_;
  const bool room = authenticated
                        ? share.has_room(line.size(), kMaxLines, kMaxBytes)
                        : share.has_room(line.size(), kMaxRefusedLines, kMaxRefusedBytes) && spend(line.size(), when);
  if (!room) {
    drop_line(share);
    return;
  }
  share.waiting.text += line;
  ++share.waiting.count;
  if (authenticated_.waiting.count + refused_.waiting.count == 1 && wake_) wake_();
}

bool AccessLog::spend(std::size_t bytes, Instant when) noexcept {
  const double most = static_cast<double>(settings_.max_bytes) / 16;
  if (budget_at_ == Instant::min()) {  // the first
    budget_bytes_ = most;
    budget_at_ = when;
  }
  if (budget_at_ - when > std::chrono::minutes(1)) budget_at_ = when;  // the clock was ahead
  if (when > budget_at_) {                                             // requests end in another order than they came
    const double part = std::chrono::duration<double>(when - budget_at_) / settings_.object_ttl;
    budget_bytes_ = std::min(most, budget_bytes_ + part * static_cast<double>(settings_.max_bytes) / 4);
    budget_at_ = when;
  }
  if (budget_bytes_ < static_cast<double>(bytes)) return false;
  budget_bytes_ -= static_cast<double>(bytes);
  return true;
}

bool AccessLog::Share::has_room(std::size_t bytes, std::size_t max_lines, std::size_t max_bytes) const noexcept {
  return waiting.count + taken_lines < max_lines && waiting.text.size() + taken_bytes + bytes <= max_bytes;
}

ports::AccessLogLines AccessLog::Share::take() {
  taken_lines = waiting.count;
  taken_bytes = waiting.text.size();
  return std::exchange(waiting, {});
}

void AccessLog::Share::kept() noexcept {
  taken_lines = 0;
  taken_bytes = 0;
}

void AccessLog::Share::give_back(ports::AccessLogLines lines) {
  kept();
  waiting.count += lines.count;
  waiting.text = std::move(lines.text) + waiting.text;
}

void AccessLog::on_first_line(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

bool AccessLog::empty() const {
  const std::lock_guard lock(mutex_);
  return authenticated_.waiting.count + refused_.waiting.count == 0;
}

AccessLog::Taken AccessLog::take() {
  const std::lock_guard lock(mutex_);
  Taken out{.lines = authenticated_.take(), .dropped = 0, .refused = std::exchange(refused_.dropped, 0)};
  const auto refused = refused_.take();
  out.lines.text += refused.text;
  out.lines.count += refused.count;
  out.dropped = std::exchange(authenticated_.dropped, 0) + out.refused;
  return out;
}

void AccessLog::kept() {
  const std::lock_guard lock(mutex_);
  authenticated_.kept();
  refused_.kept();
}

void AccessLog::give_back(ports::AccessLogLines lines) {
  const std::lock_guard lock(mutex_);
  refused_.give_back(
      {.text = lines.text.substr(authenticated_.taken_bytes), .count = lines.count - authenticated_.taken_lines});
  lines.text.resize(authenticated_.taken_bytes);
  authenticated_.give_back({.text = std::move(lines.text), .count = authenticated_.taken_lines});
}

}  // namespace s3link::server
