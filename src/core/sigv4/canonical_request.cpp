#include "core/sigv4/canonical_request.hpp"

#include <algorithm>

#include "core/base/encoding.hpp"

namespace s3link::sigv4 {
namespace {

std::unexpected<Error> bad_uri() {
  return fail(ErrorKind::invalid_argument, "The specified URI couldn't be parsed.", "InvalidURI");
}

/// As canonical_value(), behind what `out` holds.
void append_value(std::string& out, std::string_view value) {
  value = trim(value);
  while (true) {
    const auto blank = static_cast<std::size_t>(
        std::ranges::find_if(value, [](char c) { return c == ' ' || c == '\t'; }) - value.begin());
    out += value.substr(0, blank);
    if (blank == value.size()) return;
    out += ' ';
    value = trim(value.substr(blank));
  }
}

/// The values of the fields of one name, each as it is signed, joined by ','.
void append_values(std::string& out, std::span<const OrderedField> fields) {
  bool first = true;
  for (const OrderedField& field : fields) {
    if (!first) out += ',';
    first = false;
    append_value(out, field.value);
  }
}

std::size_t encoded_size_at_most(std::span<const FieldView> query) {
  std::size_t size = 0;
  for (const auto& [name, value] : query) size += 3 * (name.size() + value.size()) + 3;
  return size;
}

/// Where the encoded text now stands in `out`, which must have room for it.
std::string_view append_encoded(std::string& out, std::string_view text) {
  const std::size_t before = out.size();
  append_uri_encoded(out, text);
  return std::string_view(out).substr(before);
}

/// Encoded parameters, sorted by name and value.
std::string in_order(std::string_view query) {
  std::vector<FieldView> parameters;
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    const auto equals = parameter.find('=');
    parameters.emplace_back(parameter.substr(0, equals), parameter.substr(equals + 1));
  }
  std::ranges::sort(parameters);
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
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
  return canonical_query(std::vector<FieldView>(query.begin(), query.end()));
}

std::string canonical_query(std::span<const FieldView> query) {
  std::string out;
  out.reserve(encoded_size_at_most(query));  // no view into it goes stale
  bool sorted = true;
  FieldView last;
  for (const auto& [name, value] : query) {
    if (!out.empty()) out += '&';
    const std::string_view encoded_name = append_encoded(out, name);
    out += '=';
    const FieldView encoded = {encoded_name, append_encoded(out, value)};
    sorted = sorted && last <= encoded;  // after encoding: '%' sorts before the letters and digits
    last = encoded;
  }
  return sorted ? out : in_order(out);
}

std::string canonical_value(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  append_value(out, value);
  return out;
}

OrderedFields in_signed_order(const Fields& fields) {
  OrderedFields out;
  out.reserve(fields.size());
  for (const auto& [name, value] : fields) out.push_back({to_lower(name), value, out.size()});
  std::ranges::sort(out, {},
                    [](const OrderedField& field) { return std::pair(std::string_view(field.name), field.position); });
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
  out.reserve(request.path.size() + request.query.size() + 512);
  out += request.method;
  out += '\n';
  out += request.path;
  out += '\n';
  out += request.query;
  out += '\n';
  match_names(
      request.signed_headers, request.fields, compare_names,
      [&](const std::string& name, std::span<const OrderedField> fields) {
        out += name;
        out += ':';
        append_values(out, fields);
        out += '\n';
      },
      [](const OrderedField&) {});
  out += '\n';
  out += join(request.signed_headers);
  out += '\n';
  out += request.payload_hash;
  return out;
}

}  // namespace s3link::sigv4
