// The input is one byte, how to split, and then a chunked body. The outcome does not depend on the splitting; and the
// input put into chunks decodes to itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "adapters/http_server/chunked_decoder.hpp"

using namespace s3link;

namespace {

struct Outcome {
  bool refused = false;
  bool done = false;
  std::size_t used = 0;
  std::string data;
  bool operator==(const Outcome&) const = default;
};

Outcome decode(std::string_view stream, std::size_t step) {
  http_server::ChunkedDecoder decoder;
  Outcome out;
  while (!stream.empty() && !decoder.done()) {
    std::string_view piece = stream.substr(0, step);
    stream.remove_prefix(piece.size());
    while (!piece.empty() && !decoder.done()) {
      const auto framing = decoder.skip_framing(piece);
      if (!framing) return {.refused = true, .data = std::move(out.data)};
      piece.remove_prefix(*framing);
      const auto data = static_cast<std::size_t>(std::min<std::uint64_t>(decoder.data_left(), piece.size()));
      out.used += *framing + data;
      if (data == 0) continue;
      out.data += piece.substr(0, data);
      piece.remove_prefix(data);
      decoder.take_data(data);
    }
  }
  out.done = decoder.done();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = 1 + data[0];
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (decode(body, step) != decode(body, size)) std::abort();

  std::string encoded;
  for (std::size_t at = 0; at < body.size(); at += step) {
    const std::string_view chunk = body.substr(at, step);
    char line[16];
    std::snprintf(line, sizeof line, "%zx\r\n", chunk.size());
    encoded.append(line).append(chunk).append("\r\n");
  }
  encoded += "0\r\n\r\n";
  const Outcome whole = decode(encoded + "GET", step + 3);
  if (!whole.done || whole.data != body || whole.used != encoded.size()) std::abort();
  return 0;
}
