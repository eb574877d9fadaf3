// The input is how to read (four bytes: kind, sizes of the pieces, announced length) and then a body. Arbitrary bytes
// give the same result however they are split; and what an SDK makes of them decodes to them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/sigv4/aws_chunked.hpp"
#include "support/aws_chunked_encoder.hpp"

namespace {

using namespace s3link;
using sigv4::PayloadKind;

constexpr PayloadKind kKinds[] = {PayloadKind::streaming_unsigned_trailer, PayloadKind::streaming_signed,
                                  PayloadKind::streaming_signed_trailer};

sigv4::ChunkSigner make_signer() {
  static const Instant when = *parse_amz_date("20130524T000000Z");
  static const sigv4::CredentialScope scope = sigv4::scope_of(when, "us-east-1", "s3");
  static const sigv4::SigningKey key = sigv4::derive_signing_key(Secret(std::string("secret")), scope);
  return {key, when, scope, std::string(64, '0')};
}

struct Outcome {
  std::string code, data;
  sigv4::Fields trailers;
  bool operator==(const Outcome&) const = default;
};

Outcome decode(PayloadKind kind, std::string_view body, std::uint64_t length, std::size_t step) {
  sigv4::AwsChunkedDecoder decoder(kind, make_signer(), length,
                                   kind == PayloadKind::streaming_signed
                                       ? std::vector<std::string>()
                                       : std::vector<std::string>{"x-amz-checksum-crc32"});
  Outcome out;
  for (std::size_t number = 0; !body.empty(); ++number) {
    auto in = as_bytes(body.substr(0, 1 + (step * (number + 1)) % (step + 7)));
    body.remove_prefix(in.size());
    while (!in.empty()) {
      const auto piece = decoder.next(in);
      if (!piece) return {piece.error().code, std::move(out.data), {}};
      if (piece->consumed == 0 || piece->consumed > in.size()) std::abort();
      out.data += as_text(piece->data);
      in = in.subspan(piece->consumed);
    }
  }
  if (const auto end = decoder.finish(); !end) return {end.error().code, std::move(out.data), {}};
  out.trailers = decoder.trailers();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const PayloadKind kind = kKinds[data[0] % 3];
  const std::size_t step = data[1];
  const std::uint64_t length = data[2] + 256U * data[3];
  const std::string_view body(reinterpret_cast<const char*>(data) + 4, size - 4);

  const Outcome whole = decode(kind, body, length, body.size());
  if (whole.data.size() > length) std::abort();
  if (whole.code.empty() && whole.data.size() != length) std::abort();
  if (decode(kind, body, length, step) != whole) std::abort();

  const sigv4::Fields trailers =
      kind == PayloadKind::streaming_signed ? sigv4::Fields() : sigv4::Fields{{"x-amz-checksum-crc32", "AAAAAA=="}};
  const std::string encoded = test::encode_aws_chunked(kind, make_signer(), body, 8192 + length, trailers);
  if (decode(kind, encoded, body.size(), step) != Outcome{"", std::string(body), trailers}) std::abort();
  return 0;
}
