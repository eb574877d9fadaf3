#include <algorithm>
#include <boost/json/parse.hpp>

#include "core/base/encoding.hpp"
#include "core/event/event_record.hpp"

namespace s3link::event {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 16;  // ours and AWS's need 7
constexpr std::size_t kMaxKeyBytes = 1024;
constexpr std::size_t kMaxBucketBytes = 255;  // names from before 2018 in us-east-1

std::unexpected<Error> wrong(std::string_view member, std::string_view what) {
  return fail(ErrorKind::invalid_argument, std::string(member) + ": " + std::string(what));
}

/// Reads members of one record by their dotted path and remembers the first that is wrong, so that reading a record is
/// a list of its members. Absent and null are the same.
class Members {
 public:
  Members(const json::object& root, std::string name) : root_(root), name_(std::move(name)) {}

  std::string text(std::string_view path) {
    const json::value* const value = find(path);
    if (value == nullptr) return {};
    if (value->is_string()) return std::string(value->get_string());
    note(path, "not a string");
    return {};
  }

  std::string required_text(std::string_view path) {
    std::string value = text(path);
    if (value.empty()) note(path, "missing");
    return value;
  }

  /// Absent reads as 0: events of a removal have no size.
  std::uint64_t size(std::string_view path) {
    const json::value* const value = find(path);
    if (value == nullptr) return 0;
    if (value->is_uint64()) return value->get_uint64();
    if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
    note(path, "not a whole number of bytes");
    return 0;
  }

  void note(std::string_view path, std::string_view what) {
    if (!error_) error_ = wrong(name_ + "." + std::string(path), what).error();
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const json::value* find(std::string_view path) {
    const json::object* parent = &root_;
    std::size_t begin = 0;
    while (true) {
      const auto dot = path.find('.', begin);
      const json::value* const value = parent->if_contains(path.substr(begin, dot - begin));
      if (value == nullptr || value->is_null()) return nullptr;
      if (dot == std::string_view::npos) return value;
      parent = value->if_object();
      if (parent == nullptr) {
        note(path.substr(0, dot), "not an object");
        return nullptr;
      }
      begin = dot + 1;
    }
  }

  const json::object& root_;
  std::string name_;
  std::optional<Error> error_;
};

/// "2." and digits.
bool is_version_2(std::string_view text) {
  return text.size() > 2 && text.starts_with("2.") &&
         std::ranges::all_of(text.substr(2), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view without_prefix(std::string_view name) {
  while (name.starts_with("s3:")) name.remove_prefix(3);
  return name;
}

std::string_view without_quotes(std::string_view etag) {
  while (etag.starts_with('"')) etag.remove_prefix(1);
  while (etag.ends_with('"')) etag.remove_suffix(1);
  return etag;
}

Result<EventRecord> parse_record(const json::value& value, std::string name) {
  const json::object* const root = value.if_object();
  if (root == nullptr) return wrong(name, "not an object");

  Members members(*root, std::move(name));
  EventRecord out;
  if (!is_version_2(members.required_text("eventVersion"))) members.note("eventVersion", "not 2.x");
  out.event_name = without_prefix(members.required_text("eventName"));
  if (out.event_name.empty()) members.note("eventName", "missing");
  const auto time = parse_iso8601(members.required_text("eventTime"));
  if (!time) members.note("eventTime", "not a time in ISO 8601");
  out.time = time.value_or(Instant{});
  out.region = members.text("awsRegion");
  out.principal = members.text("userIdentity.principalId");
  out.source_ip = members.text("requestParameters.sourceIPAddress");
  out.request_id = members.text("responseElements.x-amz-request-id");
  out.bucket = members.required_text("s3.bucket.name");
  if (out.bucket.size() > kMaxBucketBytes) members.note("s3.bucket.name", "longer than 255 bytes");
  const auto key = form_decode(members.required_text("s3.object.key"));
  if (!key || !is_utf8(*key)) members.note("s3.object.key", "not form-encoded UTF-8");
  out.key = key.value_or("");
  if (out.key.size() > kMaxKeyBytes) members.note("s3.object.key", "longer than 1,024 bytes");
  out.size_bytes = members.size("s3.object.size");
  out.etag = without_quotes(members.text("s3.object.eTag"));
  out.version_id = members.text("s3.object.versionId");
  out.sequencer = members.text("s3.object.sequencer");
  if (const auto& error = members.error()) return std::unexpected(*error);
  return out;
}

json::value parse(std::string_view text, boost::system::error_code& ec) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  return json::parse(text, ec, {}, options);
}

}  // namespace

Result<NotificationParts> parse_notification_parts(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    return wrong("notification", "longer than " + std::to_string(max_bytes / 1024) + " KiB");
  }
  boost::system::error_code ec;
  const json::value document = parse(text, ec);
  if (ec) return wrong("notification", "not JSON: " + ec.message());
  const json::object* const root = document.if_object();
  if (root == nullptr) return wrong("notification", "not an object");

  NotificationParts out;
  const json::value* const records = root->if_contains("Records");
  if (records == nullptr) {
    const json::value* const name = root->if_contains("Event");
    out.is_test_event = name != nullptr && name->is_string() && name->get_string() == "s3:TestEvent";
    if (!out.is_test_event) return wrong("Records", "missing");
    return out;
  }
  const json::array* const list = records->if_array();
  if (list == nullptr) return wrong("Records", "not an array");
  if (list->size() > kMaxRecords) return wrong("Records", "more than " + std::to_string(kMaxRecords));
  out.records.reserve(list->size());
  for (const json::value& value : *list) {
    out.records.push_back(parse_record(value, "Records[" + std::to_string(out.records.size()) + "]"));
  }
  return out;
}

Result<Notification> parse_notification(std::string_view text, std::size_t max_bytes) {
  auto parts = parse_notification_parts(text, max_bytes);
  if (!parts) return std::unexpected(std::move(parts.error()));
  Notification out{.records = {}, .is_test_event = parts->is_test_event};
  out.records.reserve(parts->records.size());
  for (auto& record : parts->records) {
    if (!record) return std::unexpected(std::move(record.error()));
    out.records.push_back(std::move(*record));
  }
  return out;
}

bool is_schedule_event(std::string_view text) {
  if (text.size() > kMaxNotificationBytes) return false;
  boost::system::error_code ec;
  const json::value document = parse(text, ec);
  const json::object* const root = ec ? nullptr : document.if_object();
  if (root == nullptr) return false;
  const auto is = [root](std::string_view name, std::string_view want) {
    const json::value* const value = root->if_contains(name);
    return value != nullptr && value->is_string() && std::string_view(value->get_string()) == want;
  };
  return is("source", "aws.events") && is("detail-type", "Scheduled Event");
}

}  // namespace s3link::event
