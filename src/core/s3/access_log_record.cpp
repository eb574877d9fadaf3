#include "core/s3/access_log_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/base/foreign_text.hpp"

namespace s3link::s3 {
namespace {

constexpr std::string_view kUnknown = "-";

/// The longest texts of a line, in bytes as written: what the request's head holds must not grow on the way to the
/// disk. A legal key, 1,024 bytes encoded twice, is never cut.
constexpr std::size_t kMaxKey = std::size_t{5} * 1024;
constexpr std::size_t kMaxRequestUri = std::size_t{6} * 1024;
constexpr std::size_t kMaxReferer = 1024;
constexpr std::size_t kMaxUserAgent = 512;
constexpr std::size_t kMaxText = 300;
/// The end of a text that was cut.
constexpr std::string_view kCut = "...";

/// Parameters whose values are secrets: of Signature Version 4, of session tokens, of the older signatures that a
/// client may still send.
bool is_secret(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"x-amz-signature", "x-amz-security-token", "signature",
                                                      "x-goog-signature", "x-amz-s3session-token"};
  const auto decoded = form_decode(name);
  const std::string lower = to_lower(decoded ? std::string_view(*decoded) : name);
  return std::ranges::find(kNames, lower) != kNames.end();
}

/// Printable ASCII without quotes, and without blanks unless `blanks` are allowed; everything else as %XX.
void append_clean(std::string& out, std::string_view text, bool blanks) {
  const auto harmless = [blanks](char c) { return (c > ' ' && c <= '~' && c != '"') || (blanks && c == ' '); };
  while (!text.empty()) {
    const auto end = static_cast<std::size_t>(std::ranges::find_if_not(text, harmless) - text.begin());
    out += text.substr(0, end);
    if (end == text.size()) return;
    fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(text[end]));
    text.remove_prefix(end + 1);
  }
}

/// Cuts what follows `begin` down to `most` bytes, its mark included, and not inside of an escape (%XX, %25XX).
void shorten(std::string& text, std::size_t begin, std::size_t most) {
  if (text.size() - begin <= most) return;
  std::size_t end = begin + most - kCut.size();
  const auto escape = text.rfind('%', end - 1);
  if (escape != std::string::npos && end - escape < std::string_view("%25XX").size()) end = escape;
  text.resize(end);
  text += kCut;
}

class Line {
 public:
  void text(std::string_view value) {
    separate();
    append_cut(value, false, kMaxText);
  }
  void quoted(std::string_view value, bool blanks, std::size_t most) {
    separate();
    out_ += '"';
    append_cut(value, blanks, most);
    out_ += '"';
  }
  void key(std::string_view value) {
    separate();
    const std::size_t begin = out_.size();
    out_ += value.empty() ? std::string(kUnknown) : uri_encode_path(uri_encode_path(value.substr(0, kMaxKey + 1)));
    shorten(out_, begin, kMaxKey);
  }
  /// Written by us, or encoded already.
  void raw(std::string_view value) {
    separate();
    out_ += value.empty() ? kUnknown : value;
  }
  template <class Number>
  void number(const std::optional<Number>& value) {
    raw(value ? std::to_string(*value) : std::string());
  }
  std::string finish() { return std::move(out_); }

 private:
  void separate() {
    if (!out_.empty()) out_ += ' ';
  }
  void append_cut(std::string_view value, bool blanks, std::size_t most) {
    const std::size_t begin = out_.size();
    append_clean(out_, value.empty() ? kUnknown : value.substr(0, most + 1), blanks);
    shorten(out_, begin, most);
  }
  std::string out_;
};

/// "[06/Feb/2019:00:00:38 +0000]"
std::string log_time(Instant when) {
  // "Wed, 06 Feb 2019 00:00:38 +0000"
  const std::string date = mail_date(when);
  const std::string_view part = date;
  std::string out = "[";
  out.append(part.substr(5, 2)).append("/").append(part.substr(8, 3)).append("/").append(part.substr(12, 4));
  return out.append(":").append(part.substr(17)).append("]");
}

std::optional<std::int64_t> count_of(const std::optional<std::chrono::milliseconds>& time) {
  if (!time) return std::nullopt;
  return time->count();
}

struct ResourceType {
  std::string_view parameter, of_bucket, of_object;  ///< empty: no such resource
};

/// Source: the operation names S3 writes into its logs.
constexpr std::array kResourceTypes = {
    ResourceType{"uploadId", "", "UPLOAD"},
    ResourceType{"accelerate", "ACCELERATE", ""},
    ResourceType{"acl", "ACL", "ACL"},
    ResourceType{"analytics", "ANALYTICS", ""},
    ResourceType{"attributes", "", "OBJECT_ATTRIBUTES"},
    ResourceType{"cors", "CORS", ""},
    ResourceType{"delete", "MULTI_OBJECT_DELETE", ""},
    ResourceType{"encryption", "ENCRYPTION", ""},
    ResourceType{"intelligent-tiering", "INTELLIGENT_TIERING", ""},
    ResourceType{"inventory", "INVENTORY", ""},
    ResourceType{"legal-hold", "", "OBJECT_LOCK_LEGALHOLD"},
    ResourceType{"lifecycle", "LIFECYCLE", ""},
    ResourceType{"location", "LOCATION", ""},
    ResourceType{"logging", "LOGGING_STATUS", ""},
    ResourceType{"metrics", "METRICS", ""},
    ResourceType{"notification", "NOTIFICATION", ""},
    ResourceType{"object-lock", "OBJECT_LOCK_CONFIGURATION", ""},
    ResourceType{"ownershipControls", "OWNERSHIP_CONTROLS", ""},
    ResourceType{"policy", "BUCKETPOLICY", ""},
    ResourceType{"policyStatus", "POLICY_STATUS", ""},
    ResourceType{"publicAccessBlock", "PUBLIC_ACCESS_BLOCK", ""},
    ResourceType{"replication", "REPLICATION", ""},
    ResourceType{"requestPayment", "REQUEST_PAYMENT", ""},
    ResourceType{"retention", "", "OBJECT_LOCK_RETENTION"},
    ResourceType{"select", "", "SELECT"},
    ResourceType{"tagging", "TAGGING", "OBJECT_TAGGING"},
    ResourceType{"torrent", "", "TORRENT"},
    ResourceType{"uploads", "UPLOADS", "UPLOADS"},
    ResourceType{"versioning", "VERSIONING", ""},
    ResourceType{"versions", "BUCKETVERSIONS", ""},
    ResourceType{"website", "WEBSITE", ""},
};

/// Whether the query has that parameter. Names that need decoding are no operation's.
bool has_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view parameter = query.substr(0, end);
    if (parameter.substr(0, parameter.find('=')) == name) return true;
    if (end == std::string_view::npos) return false;
    query.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

std::string without_secrets(std::string_view url) {
  std::string out;
  auto begin = url.find('?');
  if (begin == std::string_view::npos) return std::string(url);
  ++begin;
  out += url.substr(0, begin);
  while (true) {
    const auto end = std::min(url.find('&', begin), url.size());
    const std::string_view parameter = url.substr(begin, end - begin);
    const auto equals = parameter.find('=');
    if (equals != std::string_view::npos && is_secret(parameter.substr(0, equals))) {
      out += parameter.substr(0, equals + 1);
      out += kUnknown;
    } else {
      out += parameter;
    }
    if (end == url.size()) return out;
    out += '&';
    begin = end + 1;
  }
}

std::string access_log_operation(std::string_view method, std::string_view target, bool has_key) {
  const auto question = target.find('?');
  const std::string_view query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  std::string_view type = has_key ? "OBJECT" : "BUCKET";
  for (const ResourceType& row : kResourceTypes) {
    const std::string_view name = has_key ? row.of_object : row.of_bucket;
    if (name.empty() || !has_parameter(query, row.parameter)) continue;
    type = name;
    break;
  }
  if (type == "UPLOAD" && method == "PUT") type = "PART";
  std::string out = "REST.";
  append_clean(out, method, false);
  out += '.';
  return out += type;
}

std::string access_log_line(const AccessLogRecord& record) {
  Line line;
  line.text(record.bucket_owner);
  line.text(record.bucket);
  line.raw(log_time(record.time));
  line.text(record.remote_ip);
  line.text(record.requester);
  line.text(record.request_id);
  line.text(record.operation);
  // A mangled link is a key, a part of a path, a client's name: "photo.jpg%3FX-Amz-Signature%3D…".
  line.key(cut_signatures(record.key));
  line.quoted(std::string(record.method) + " " + cut_signatures(without_secrets(record.target)) + " HTTP/1.1", true,
              kMaxRequestUri);
  line.number(record.status == 0 ? std::nullopt : std::optional(record.status));
  line.text(record.error_code);
  line.number(record.bytes_sent == 0 ? std::nullopt : std::optional(record.bytes_sent));
  line.number(record.object_size);
  line.number(std::optional(record.total.count()));
  line.number(count_of(record.turn_around));
  line.quoted(cut_signatures(without_secrets(record.referer)), false, kMaxReferer);
  line.quoted(cut_signatures(record.user_agent), true, kMaxUserAgent);
  line.text(record.version_id);
  line.text(record.host_id);
  line.text(record.signature_version);
  line.text(record.cipher_suite);
  line.text(record.authentication_type);
  line.text(cut_signatures(record.host));
  line.text(record.tls_version);
  line.raw(kUnknown);  // no access points
  line.raw(kUnknown);  // no request needs an ACL
  line.text(record.region);
  return line.finish();
}

std::string access_log_key(Instant when, std::string_view id) {
  std::string date = iso8601(when).substr(0, 19);  // "2013-05-24T00:00:00"
  std::ranges::replace(date, 'T', '-');
  std::ranges::replace(date, ':', '-');
  return fmt::format("_access_logs{}-{}", date, id);
}

}  // namespace s3link::s3
