#include "core/sigv4/aws_chunked.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/base/secret.hpp"

namespace s3link::sigv4 {
namespace {

std::unexpected<Error> incomplete() {
  return fail(ErrorKind::invalid_argument, "The request body terminated unexpectedly", "IncompleteBody");
}

std::unexpected<Error> wrong_length() {
  return fail(ErrorKind::invalid_argument,
              "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header",
              "IncompleteBody");
}

std::unexpected<Error> wrong_signature() {
  return fail(ErrorKind::denied,
              "The request signature we calculated does not match the signature you provided. Check your key and "
              "signing method.",
              "SignatureDoesNotMatch");
}

std::unexpected<Error> bad_trailer() {
  return fail(
      ErrorKind::invalid_argument,
      "The request contained trailing data that was not well-formed or did not conform to our published schema.",
      "MalformedTrailerError");
}

bool holds(const Fields& fields, std::string_view name) {
  return std::ranges::find(fields, name, &Fields::value_type::first) != fields.end();
}

constexpr std::string_view kChunkSignature = ";chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";

}  // namespace

AwsChunkedDecoder::AwsChunkedDecoder(PayloadKind kind, ChunkSigner signer, std::uint64_t decoded_length,
                                     std::vector<std::string> declared_trailers)
    : kind_(kind),
      signer_(std::move(signer)),
      length_left_(decoded_length),
      declared_(std::move(declared_trailers)),
      chunk_sha256_(DigestAlgorithm::sha256) {
  assert(kind != PayloadKind::signed_hash && kind != PayloadKind::unsigned_payload);
  for (std::string& name : declared_) name = to_lower(name);
}

Result<AwsChunkedDecoder::Piece> AwsChunkedDecoder::next(std::span<const std::byte> in) {
  assert(!in.empty());
  if (state_ == State::data) {
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, in.size()));
    const auto data = in.first(count);
    if (is_signed()) chunk_sha256_.update(data);
    chunk_left_ -= count;
    length_left_ -= count;
    if (chunk_left_ == 0) state_ = State::data_end;
    return Piece{count, data};
  }

  // Everything else is lines. One is gathered whole before it is looked at: it may come in any number of pieces.
  const std::string_view text = as_text(in);
  const auto newline = text.find('\n');
  const std::size_t count = newline == std::string_view::npos ? text.size() : newline + 1;
  const std::size_t limit = state_ == State::trailer_line ? kMaxTrailerBytes - trailer_bytes_ : kMaxLineBytes;
  if (line_.size() + count > limit) {
    if (state_ == State::trailer_line) return bad_trailer();
    return incomplete();
  }
  line_.append(text.substr(0, count));
  if (newline != std::string_view::npos) {
    if (auto ok = take_line(); !ok) return std::unexpected(ok.error());
    line_.clear();
  }
  return Piece{count, {}};
}

Status AwsChunkedDecoder::take_line() {
  std::string_view line = line_;
  line.remove_suffix(1);
  if (state_ == State::trailer_line) {
    // SDKs differ in how many empty lines stand before, between and after the trailers; some end theirs with LF only.
    trailer_bytes_ += line_.size();
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line.empty() ? Status{} : add_trailer(line);
  }
  if (!line.ends_with('\r')) return incomplete();
  line.remove_suffix(1);
  if (state_ == State::data_end) return line.empty() ? end_chunk() : incomplete();
  return begin_chunk(line);
}

Status AwsChunkedDecoder::begin_chunk(std::string_view line) {
  std::uint64_t size = 0;
  const auto [end, ec] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (ec != std::errc{}) return incomplete();
  const std::string_view extension = line.substr(static_cast<std::size_t>(end - line.data()));
  if (is_signed()) {
    if (!extension.starts_with(kChunkSignature)) return incomplete();
    chunk_signature_ = extension.substr(kChunkSignature.size());
  } else if (!extension.empty()) {
    return incomplete();
  }
  if (size > length_left_) return wrong_length();
  if (size == 0) {
    last_chunk_seen_ = true;
    return end_chunk();
  }
  if (short_chunk_seen_) {
    return fail(ErrorKind::invalid_argument, "Only the last chunk is allowed to have a size less than 8192 bytes",
                "InvalidChunkSizeError");
  }
  short_chunk_seen_ = size < kMinChunkBytes;
  chunk_left_ = size;
  state_ = State::data;
  return {};
}

Status AwsChunkedDecoder::end_chunk() {
  state_ = last_chunk_seen_ ? State::trailer_line : State::chunk_line;
  if (!is_signed()) return {};
  const std::string sha256 = hex_encode(std::exchange(chunk_sha256_, Digest(DigestAlgorithm::sha256)).finish());
  if (!constant_time_equal(signer_.sign_chunk(sha256), chunk_signature_)) return wrong_signature();
  return {};
}

Status AwsChunkedDecoder::add_trailer(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !trailer_signature_.empty() || kind_ == PayloadKind::streaming_signed) {
    return bad_trailer();
  }
  std::string name = to_lower(line.substr(0, colon));
  const std::string_view value = trim(line.substr(colon + 1));
  if (name == kTrailerSignature && kind_ == PayloadKind::streaming_signed_trailer) {
    if (value.empty()) return bad_trailer();
    trailer_signature_ = value;
    return {};
  }
  if (std::ranges::find(declared_, name) == declared_.end()) return bad_trailer();
  if (holds(trailers_, name)) return bad_trailer();
  trailers_.emplace_back(std::move(name), value);
  return {};
}

Status AwsChunkedDecoder::finish() {
  if (state_ != State::trailer_line) return incomplete();
  if (length_left_ != 0) return wrong_length();
  if (!line_.empty()) {  // the last line of a body may end with the body
    line_ += '\n';
    auto ok = take_line();
    line_.clear();
    if (!ok) return ok;
  }
  for (const std::string& name : declared_) {
    if (!holds(trailers_, name)) return bad_trailer();
  }
  if (kind_ != PayloadKind::streaming_signed_trailer) return {};
  if (trailer_signature_.empty()) return bad_trailer();
  std::string signed_text;
  for (const auto& [name, value] : trailers_) signed_text.append(name).append(":").append(value).append("\n");
  if (!constant_time_equal(signer_.sign_trailers(hex_encode(sha256(signed_text))), trailer_signature_)) {
    return wrong_signature();
  }
  return {};
}

}  // namespace s3link::sigv4
