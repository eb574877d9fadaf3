// The input is what a client sends first. Its end is found at the same place however it is split; an accepted head,
// written down again, is accepted again and says the same; it is never framed in two ways.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "adapters/http_server/request_head.hpp"
#include "core/base/encoding.hpp"

using namespace s3link;
using http_server::HeadScanner;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  HeadScanner at_once;
  const auto state = at_once.scan(input);
  HeadScanner bytewise;
  auto last = HeadScanner::State::incomplete;
  for (std::size_t end = 0; end <= input.size() && last == HeadScanner::State::incomplete; ++end) {
    last = bytewise.scan(input.substr(0, end));
  }
  if (last != state || (state == HeadScanner::State::complete && bytewise.size() != at_once.size())) std::abort();
  if (state != HeadScanner::State::complete) return 0;

  const auto parsed = http_server::parse_head(input.substr(0, at_once.size()));
  if (!parsed) {
    if (parsed.error().status < 400 || parsed.error().message.empty()) std::abort();
    return 0;
  }
  const auto& [head, framing] = *parsed;
  if (framing.chunked && framing.content_length != 0) std::abort();
  if (!head.target.starts_with('/') && head.target != "*") std::abort();
  const bool version_10 = input.substr(0, input.find("\r\n")).ends_with("HTTP/1.0");
  std::string again = head.method + ' ' + head.target + (version_10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  for (const auto& [name, value] : head.fields) {
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) std::abort();
    again += name + ": " + value + "\r\n";
  }
  const auto second = http_server::parse_head(again + "\r\n");
  if (!second || second->head.target != head.target || second->head.fields != head.fields ||
      second->framing.chunked != framing.chunked || second->framing.content_length != framing.content_length ||
      second->framing.keep_alive != framing.keep_alive ||
      second->framing.expects_continue != framing.expects_continue) {
    std::abort();
  }
  return 0;
}
