#include "adapters/aws/service_error.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <pugixml.hpp>

#include "core/base/encoding.hpp"
#include "core/base/json_text.hpp"

namespace s3link::aws {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxCodeBytes = 128;

constexpr std::array<std::string_view, 13> kThrottles = {"BandwidthLimitExceeded",
                                                         "LimitExceededException",
                                                         "PriorRequestNotComplete",
                                                         "ProvisionedThroughputExceededException",
                                                         "RequestLimitExceeded",
                                                         "RequestThrottled",
                                                         "RequestThrottledException",
                                                         "SlowDown",
                                                         "ThrottledException",
                                                         "Throttling",
                                                         "ThrottlingException",
                                                         "TooManyRequestsException",
                                                         "TransactionInProgressException"};

/// What passes by itself although its status is 4xx.
constexpr std::array<std::string_view, 2> kPassing = {"RequestTimeout", "RequestTimeoutException"};

/// Refusals whose status does not say so: DynamoDB and Secrets Manager answer everything with 400, S3 ExpiredToken too.
constexpr std::array<std::string_view, 20> kRefusals = {"AccessDenied",
                                                        "AccessDeniedException",
                                                        "AuthorizationHeaderMalformed",
                                                        "DecryptionFailure",
                                                        "ExpiredToken",
                                                        "ExpiredTokenException",
                                                        "IncompleteSignature",
                                                        "IncompleteSignatureException",
                                                        "InvalidAccessKeyId",
                                                        "InvalidClientTokenId",
                                                        "InvalidSignatureException",
                                                        "InvalidToken",
                                                        "MissingAuthenticationToken",
                                                        "MissingAuthenticationTokenException",
                                                        "OptInRequired",
                                                        "RequestExpired",
                                                        "RequestInTheFuture",
                                                        "RequestTimeTooSkewed",
                                                        "SignatureDoesNotMatch",
                                                        "UnrecognizedClientException"};

constexpr std::array<std::string_view, 5> kClockErrors = {"InvalidSignatureException", "RequestExpired",
                                                          "RequestInTheFuture", "RequestTimeTooSkewed",
                                                          "SignatureDoesNotMatch"};

/// Where a message begins to say what it must not.
constexpr std::array<std::string_view, 7> kUnspeakable = {
    "The Canonical String", "X-Amz-Algorithm=",      "X-Amz-Credential=",    "X-Amz-Security-Token=",
    "X-Amz-Signature=",     "X-Amz-Security-Token:", "x-amz-security-token:"};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& list, std::string_view code) noexcept {
  return std::ranges::find(list, code) != list.end();
}

/// "com.amazonaws.dynamodb.v20120810#ThrottlingException:http://internal.amazon.com/…" → "ThrottlingException".
/// Empty for what is no code.
std::string code_of(std::string_view text) {
  text = text.substr(0, text.find(':'));
  if (const auto hash = text.rfind('#'); hash != std::string_view::npos) text.remove_prefix(hash + 1);
  text = trim(text);
  const bool valid =
      text.size() <= kMaxCodeBytes && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
      });
  return valid ? std::string(text) : std::string();
}

std::string_view text_member(const json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  const auto* const text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

void read_json(std::string_view body, ServiceError& error) {
  boost::system::error_code ec;
  const json::value document = json::parse(body, ec);
  const auto* const object = ec ? nullptr : document.if_object();
  if (object == nullptr) return;
  if (error.code.empty()) error.code = code_of(text_member(*object, "__type"));
  if (error.code.empty()) error.code = code_of(text_member(*object, "code"));
  error.message = text_member(*object, "message");
  if (error.message.empty()) error.message = text_member(*object, "Message");
}

void read_xml(std::string_view body, ServiceError& error) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_utf8)) return;
  const pugi::xml_node node = document.child("Error");
  if (!node) return;
  if (error.code.empty()) error.code = code_of(node.child_value("Code"));
  error.message = node.child_value("Message");
}

/// Without control characters, well-formed, no two blanks in a row.
std::string one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = utf8_sequence_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    // U+0080 to U+009F are control characters too: C2 80 to C2 9F.
    const bool control =
        first < 0x20 || first == 0x7F || (length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0);
    const std::string_view shown = length == 0 ? "?" : control ? " " : text.substr(0, length);
    if (shown != " " || !out.ends_with(' ')) out += shown;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

/// The text up to the first of what may not be said.
std::string_view speakable(std::string_view text, std::span<const std::string_view> secrets) {
  const auto cut_at = [&](std::string_view word) {
    if (!word.empty()) text = text.substr(0, text.find(word));
  };
  std::ranges::for_each(kUnspeakable, cut_at);
  std::ranges::for_each(secrets, cut_at);
  return text;
}

/// The first bytes, whole characters.
std::string_view head(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while ((static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

}  // namespace

ServiceError read_service_error(const ports::HttpClientResponse& answer) {
  ServiceError error;
  if (const std::string* const type = ports::find_field(answer.fields, "x-amzn-ErrorType")) error.code = code_of(*type);
  const auto first = answer.body.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return error;
  if (answer.body[first] == '{') read_json(answer.body, error);
  if (answer.body[first] == '<') read_xml(answer.body, error);
  return error;
}

bool is_throttle(unsigned status, std::string_view code) noexcept { return status == 429 || holds(kThrottles, code); }

bool is_daily_quota(std::string_view message) noexcept { return message.contains("Daily message quota exceeded"); }

bool may_be_clock_error(std::string_view code) noexcept { return holds(kClockErrors, code); }

ErrorKind kind_of(unsigned status, std::string_view code) noexcept {
  if (is_throttle(status, code) || holds(kPassing, code) || status >= 500 || status == 408) return ErrorKind::transient;
  if (code == "ConditionalCheckFailedException" || status == 409 || status == 412) return ErrorKind::conflict;
  if (holds(kRefusals, code) || status == 401 || status == 403 || status == 407) return ErrorKind::denied;
  if (code == "ResourceNotFoundException" || status == 404) return ErrorKind::not_found;
  return ErrorKind::invalid_argument;
}

std::string clean_message(std::string_view text, std::span<const std::string_view> secrets) {
  // In this order: what is cut in two by a control character, or by the bound, would not be found.
  const std::string line = one_line(text);
  return std::string(trim(head(speakable(line, secrets), kMaxMessageBytes)));
}

}  // namespace s3link::aws
