// The input is a request head: "METHOD target", then one field a line. Whatever it is, it becomes an operation or an
// error of the table; what an operation holds can be given back to clients; and a key found in a path is found again
// when it is encoded anew.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/encoding.hpp"
#include "core/s3/error_code.hpp"
#include "core/s3/operation.hpp"
#include "core/s3/write_options.hpp"
#include "core/sigv4/canonical_request.hpp"

namespace {

using namespace s3link;

constexpr std::string_view kDomain = "s3.test";

std::string_view take(std::string_view& text, char until) {
  const auto end = text.find(until);
  const std::string_view out = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return out;
}

void require(bool holds) {
  if (!holds) std::abort();
}

Result<s3::Operation> parse(std::string_view method, std::string_view target, const s3::Fields& fields) {
  const auto parts = sigv4::parse_target(target);
  if (!parts) return std::unexpected(parts.error());
  return s3::parse_operation({method, parts->path, parts->query, fields}, kDomain);
}

void check(const Error& error) {
  const auto answer = s3::to_answer(error);
  require(answer.status >= 400 && answer.status < 600 && !answer.code.empty() && !answer.message.empty());
  require(answer.code == error.code);  // every error here has a code of the table
}

void check(const s3::GetObject& get) {
  for (const auto& [name, value] : get.overrides) require(s3::is_field_value(value));
  const auto again = parse("GET", "/" + get.bucket.text() + "/" + uri_encode_path(get.key.text()), {});
  require(again.has_value());
  const auto& same = std::get<s3::GetObject>(*again);
  require(same.bucket == get.bucket && same.key == get.key);
}

void check(const s3::PutObject& put) {
  for (const auto& [name, value] : put.headers.metadata) require(!name.empty() && s3::is_field_value(value));
}

void check(const s3::ListObjects& list) {
  require(list.page.max_entries <= s3::kMaxPageEntries && is_utf8(list.page.prefix) && is_utf8(list.from));
}

template <class Other>
void check(const Other&) {}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view first = take(text, '\n');
  const std::string_view method = take(first, ' ');
  s3::Fields fields;
  while (!text.empty() && fields.size() < 64) {
    std::string_view line = take(text, '\n');
    const std::string_view name = take(line, ':');
    fields.emplace_back(name, trim(line));
  }
  const auto operation = parse(method, first, fields);
  if (!operation) {
    check(operation.error());
    return 0;
  }
  std::visit([](const auto& op) { check(op); }, *operation);
  return 0;
}
