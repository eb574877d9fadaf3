// An access log line of whatever a client sends: one line of printable ASCII whose fields stay apart, and no signature
// that the server would take. The input: method, target, Referer, User-Agent, Host and key, each in a line.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/s3/access_log_record.hpp"

namespace {

using namespace s3link;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Fields as readers of such logs count them: between blanks, where quotes, and the brackets of the time, hold
/// together.
std::size_t count_fields(std::string_view line) {
  std::size_t fields = 1;
  bool quoted = false;
  bool bracketed = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (fields == 3 && c == '[') bracketed = true;  // the time
    if (fields == 3 && c == ']') bracketed = false;
    if (c == ' ' && !quoted && !bracketed) ++fields;
  }
  require(!quoted);
  return fields;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, 6> texts;
  for (std::string_view& text : texts) {
    const auto end = std::min(rest.find('\n'), rest.size());
    text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const auto& [method, target, referer, user_agent, host, key] = texts;
  const std::string operation = s3::access_log_operation(method, target, !key.empty());
  s3::AccessLogRecord record{};
  record.method = method;
  record.target = target;
  record.referer = referer;
  record.user_agent = user_agent;
  record.operation = operation;
  record.key = key;
  const std::string without_host = s3::access_log_line(record);
  require(std::ranges::all_of(without_host, [](char c) { return c >= ' ' && c <= '~'; }));
  require(count_fields(without_host) == 27);
  record.host = host;
  const std::string line = s3::access_log_line(record);
  require(std::ranges::count(line, ' ') == std::ranges::count(without_host, ' '));
  const std::string blanked = s3::without_secrets(target);
  require(s3::without_secrets(blanked) == blanked);
  return 0;
}
