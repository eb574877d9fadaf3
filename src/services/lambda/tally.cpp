#include "services/lambda/tally.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/base/json_text.hpp"
#include "core/delivery/retry_policy.hpp"

namespace s3link::lambda {
namespace {

constexpr std::array<std::string_view, 10> kRefusals = {
    "AccessDenied",          "AccessDeniedException",      "ExpiredToken", "ExpiredTokenException",
    "InvalidAccessKeyId",    "InvalidClientTokenId",       "InvalidToken", "InvalidSignatureException",
    "SignatureDoesNotMatch", "UnrecognizedClientException"};

/// The first characters of a text, whole ones.
std::string_view head(std::string_view text, std::size_t characters) {
  std::size_t end = 0;
  for (; characters > 0 && end < text.size(); --characters) {
    end += std::max<std::size_t>(1, utf8_sequence_length(text.substr(end)));
  }
  return text.substr(0, end);
}

}  // namespace

void Tally::add(RecordOutcome outcome) {
  ++records_;
  delivered_ += outcome.delivered;
  duplicates_ += outcome.duplicates;
  if (outcome.dropped) ++dropped_;
  if (!outcome.failure) return;
  ++failed_records_;
  add_failure(std::move(*outcome.failure));
}

void Tally::add_failure(Failure failure) {
  ++failed_;
  if (reasons_.size() < kMaxReasons) reasons_.push_back(std::move(failure));
}

std::string Tally::answer() const {
  return fmt::format(R"({{"delivered":{},"dropped":{},"duplicates":{},"swept":{}}})", delivered_, dropped_, duplicates_,
                     swept_);
}

ports::InvocationError Tally::error() const {
  std::string message;
  if (records_ > 1 && failed_records_ > 0) {
    message = fmt::format("{} of {} records failed: ", failed_records_, records_);
  }
  for (const Failure& reason : reasons_) {
    if (&reason != &reasons_.front()) message += "; ";
    message += head(reason.message, kMaxReasonCharacters);
  }
  if (failed_ > reasons_.size()) message += fmt::format("; and {} more", failed_ - reasons_.size());
  return {.type = reasons_.front().type, .message = std::move(message)};
}

std::vector<ports::Metric> Tally::metrics() const {
  const auto count = [](const char* name, std::size_t value) {
    return ports::Metric{.name = name, .unit = "Count", .value = static_cast<double>(value)};
  };
  return {count("Delivered", delivered_), count("Failed", failed_), count("Dropped", dropped_),
          count("Duplicate", duplicates_)};
}

const char* mail_failure_type(const Error& error, bool maybe_sent) noexcept {
  if (maybe_sent) return kMailMaybeSent;
  return delivery::is_permanent(error.kind) ? kMailRefused : kMailFailed;
}

bool is_refusal_of_credentials(const Error& error) noexcept {
  return std::ranges::find(kRefusals, error.code) != kRefusals.end();
}

}  // namespace s3link::lambda
