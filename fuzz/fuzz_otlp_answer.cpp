// What a collector answers comes from outside: Retry-After in the first line, the body after it. Judging it never
// crashes, no wait is before now, and only what was taken can be rejected in part.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/otlp/answer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using s3link::otlp::Verdict;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  const std::string retry_after(text.substr(0, line));
  const std::string body(line == std::string_view::npos ? std::string_view() : text.substr(line + 1));
  for (const unsigned status : {200U, 400U, 503U}) {
    const auto verdict = s3link::otlp::judge(
        s3link::ports::HttpClientResponse{status, {{"Retry-After", retry_after}}, body}, s3link::from_unix_ms(0));
    if (verdict.wait && (status != 503 || verdict.wait->count() < 0)) std::abort();
    if (verdict.rejected > 0 && verdict.kind != Verdict::Kind::taken) std::abort();
  }
  return 0;
}
