#include "core/sigv4/canonical_request.hpp"

#include <algorithm>

#include "core/base/encoding.hpp"

namespace s3link::sigv4 {
namespace {

std::unexpected<Error> bad_uri() {
  return fail(ErrorKind::invalid_argument, "The specified URI couldn't be parsed.", "InvalidURI");
}

/// The values of all fields of that name, each as it is signed, joined by ','.
void append_values(std::string& out, const Fields& fields, std::string_view name) {
  bool first = true;
  for (const auto& [field, value] : fields) {
    if (!equals_ignoring_case(field, name)) continue;
    if (!first) out += ',';
    first = false;
    out += canonical_value(value);
  }
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) return bad_uri();
  const auto question = target.find('?');
  auto path = uri_decode(target.substr(0, question));
  if (!path) return bad_uri();
  Target out{.path = std::move(*path), .query = {}};
  if (question == std::string_view::npos) return out;

  std::string_view rest = target.substr(question + 1);
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const std::string_view parameter = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (parameter.empty()) continue;
    const auto equals = parameter.find('=');
    auto name = form_decode(parameter.substr(0, equals));
    auto value = form_decode(equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1));
    if (!name || !value) return bad_uri();
    out.query.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

std::string canonical_path(std::string_view path, PathEncoding encoding) {
  std::string once = uri_encode_path(path);
  return encoding == PathEncoding::once ? once : uri_encode_path(once);
}

std::string canonical_query(const Fields& query) {
  Fields encoded;
  encoded.reserve(query.size());
  std::size_t size = 0;
  for (const auto& [name, value] : query) {
    const auto& [n, v] = encoded.emplace_back(uri_encode(name), uri_encode(value));
    size += n.size() + v.size() + 2;
  }
  std::ranges::sort(encoded);  // after encoding: '%' sorts before the letters and digits
  std::string out;
  out.reserve(size);
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

std::string canonical_value(std::string_view value) {
  value = trim(value);
  std::string out;
  out.reserve(value.size());
  bool blank = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t') {
      blank = true;
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    out += c;
  }
  return out;
}

std::string join(const SignedHeaders& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

std::string canonical_request(const CanonicalRequest& request) {
  std::string out;
  out.reserve(512);
  out += request.method;
  out += '\n';
  out += request.path;
  out += '\n';
  out += request.query;
  out += '\n';
  for (const std::string& name : request.signed_headers) {
    out += name;
    out += ':';
    append_values(out, request.fields, name);
    out += '\n';
  }
  out += '\n';
  out += join(request.signed_headers);
  out += '\n';
  out += request.payload_hash;
  return out;
}

}  // namespace s3link::sigv4
