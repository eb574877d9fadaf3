// presign_bench: how many links a core makes in a second of CPU time, as items_per_second.
//
//   ninja -C build/release presign_bench && build/release/presign_bench
//
// bench/lambda/presign_peers.py puts other signers beside it, with the same keys and credentials.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "services/link/link_generator.hpp"

namespace s3link {
namespace {

using namespace std::chrono_literals;

/// Keys as an inbox has them: plain names, and names with blanks and letters that are escaped.
std::vector<s3::ObjectKey> keys(const char* pattern) {
  std::vector<s3::ObjectKey> out;
  for (std::size_t i = 0; i < 1024; ++i) {
    out.push_back(*s3::ObjectKey::parse(fmt::format(fmt::runtime(pattern), i % 64, i)));
  }
  return out;
}

/// A role's key comes with a session token, which AWS makes several hundred characters long; a user's comes without.
sigv4::Credentials credentials(std::size_t token_bytes) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string token;
  for (std::size_t i = 0; i < token_bytes; ++i) token += kAlphabet[i * 37 % kAlphabet.size()];
  return {.access_key_id = "AKIAIOSFODNN7EXAMPLE",
          .secret_access_key = Secret(std::string("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")),
          .session_token = Secret(std::move(token))};
}

void make_links(benchmark::State& state, const char* pattern, std::size_t token_bytes) {
  const auto pair = credentials(token_bytes);
  const link::LinkGenerator links(link::s3_links("eu-central-1", "", 5h), pair);
  const auto bucket = *s3::BucketName::parse("file-exchange");
  const auto names = keys(pattern);
  auto now = *parse_iso8601("2026-12-08T09:00:05.700Z");
  std::size_t next = 0;
  for (auto _ : state) {
    auto link = links.make(bucket, names[next], now + 24h, now);
    benchmark::DoNotOptimize(link->url.reveal().data());
    if (++next == names.size()) {  // a thousand links a second
      next = 0;
      now += 1s;
    }
  }
  state.SetItemsProcessed(state.iterations());
}

constexpr const char* kPlain = "users/{:02}/quarterly-report-{:06}.pdf";
constexpr const char* kEscaped = "users/{:02}/Bericht für Müller & Söhne {:06}.pdf";
BENCHMARK_CAPTURE(make_links, user_plain_name, kPlain, 0);
BENCHMARK_CAPTURE(make_links, user_escaped_name, kEscaped, 0);
BENCHMARK_CAPTURE(make_links, role_plain_name, kPlain, 768);

}  // namespace
}  // namespace s3link
