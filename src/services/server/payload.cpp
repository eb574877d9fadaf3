#include "services/server/payload.hpp"

#include <utility>

#include "core/base/digest.hpp"
#include "core/s3/error_code.hpp"

namespace s3link::server {
namespace {

using s3::ErrorCode;
using s3::refuse;
using sigv4::PayloadKind;

bool is_chunked(PayloadKind kind) { return kind != PayloadKind::signed_hash && kind != PayloadKind::unsigned_payload; }

std::unexpected<Error> bad_digest(std::string_view what) {
  return refuse(ErrorCode::bad_digest, "The " + std::string(what) + " you specified did not match what we received.");
}

}  // namespace

Result<PayloadReader> PayloadReader::open(const sigv4::Verified& verified, const s3::BodyClaims& claims,
                                          ports::HttpRequestBody& body, std::uint64_t max_bytes,
                                          std::optional<s3::ChecksumAlgorithm> wanted) {
  PayloadReader out(body, max_bytes);
  if (is_chunked(verified.payload)) {
    if (!claims.decoded_size_bytes) return refuse(ErrorCode::missing_content_length);
    out.announced_ = claims.decoded_size_bytes;
    out.decoder_.emplace(verified.payload, verified.chunks, *claims.decoded_size_bytes, claims.trailers);
  } else {
    if (!claims.trailers.empty()) {
      return refuse(ErrorCode::invalid_request, "x-amz-trailer needs a streaming x-amz-content-sha256.");
    }
    out.announced_ = body.declared_length();
    if (verified.payload == PayloadKind::signed_hash) out.expected_sha256_ = hex_decode(verified.payload_sha256);
  }
  if (out.announced_ && *out.announced_ > max_bytes) return refuse(ErrorCode::entity_too_large);
  out.expected_md5_ = claims.md5;
  out.algorithm_ = claims.algorithm ? claims.algorithm : wanted;
  out.expected_checksum_ = claims.checksum;
  out.checksum_in_trailer_ = !claims.trailers.empty();
  if (out.algorithm_) out.checksum_.emplace(*out.algorithm_);
  return out;
}

Awaitable<Result<std::span<const std::byte>>> PayloadReader::next() {
  std::span<const std::byte> piece;
  while (piece.empty()) {
    if (raw_.empty()) {
      const auto read = co_await body_->read();
      if (!read) co_return std::unexpected(read.error());
      if (read->empty()) {
        if (decoder_) {
          if (auto whole = decoder_->finish(); !whole) co_return std::unexpected(whole.error());
        }
        if (announced_ && handed_out_ != *announced_) co_return refuse(ErrorCode::incomplete_body);
        co_return std::span<const std::byte>();
      }
      raw_ = *read;
    }
    if (!decoder_) {
      piece = std::exchange(raw_, {});
    } else {
      const auto decoded = decoder_->next(raw_);
      if (!decoded) co_return std::unexpected(decoded.error());
      raw_ = raw_.subspan(decoded->consumed);
      piece = decoded->data;
    }
  }
  handed_out_ += piece.size();
  if (handed_out_ > max_bytes_) co_return refuse(ErrorCode::entity_too_large);
  if (checksum_) checksum_->update(piece);
  co_return piece;
}

Result<std::optional<s3::ObjectChecksum>> PayloadReader::verify(const std::string& md5, const std::string& sha256) {
  if (expected_sha256_ && *expected_sha256_ != sha256) return refuse(ErrorCode::x_amz_content_sha256_mismatch);
  if (expected_md5_ && *expected_md5_ != md5) return bad_digest("Content-MD5");
  if (!algorithm_) return std::optional<s3::ObjectChecksum>();
  if (checksum_in_trailer_) {
    const auto* const value = ports::find_field(decoder_->trailers(), s3::checksum_field(*algorithm_));
    if (value != nullptr) expected_checksum_ = base64_decode(*value);
    if (!expected_checksum_ || expected_checksum_->size() != s3::checksum_bytes(*algorithm_)) {
      return refuse(ErrorCode::invalid_request,
                    "Value for " + s3::checksum_field(*algorithm_) + " trailing header is invalid.");
    }
  }
  const std::string computed = checksum_->finish();
  if (expected_checksum_ && *expected_checksum_ != computed) return bad_digest(s3::to_string(*algorithm_));
  return s3::ObjectChecksum{std::string(s3::to_string(*algorithm_)), base64_encode(computed), false};
}

Status check_body_announced(const ports::HttpRequestHead& request) {
  const bool announced = ports::find_field(request.fields, "Content-Length") != nullptr ||
                         ports::find_field(request.fields, "Transfer-Encoding") != nullptr;
  if (!announced) return refuse(ErrorCode::missing_content_length);
  return {};
}

Awaitable<Result<ReceivedBody>> receive_body(ports::BucketStore& store, PayloadReader& payload) {
  auto writer = co_await store.create_body(payload.announced_bytes());
  if (!writer) co_return std::unexpected(writer.error());
  while (true) {
    const auto piece = co_await payload.next();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    if (auto written = co_await (*writer)->write(*piece); !written) co_return std::unexpected(written.error());
  }
  auto digests = co_await (*writer)->finish();
  if (!digests) co_return std::unexpected(digests.error());
  auto checksum = payload.verify(digests->md5, digests->sha256);
  if (!checksum) co_return std::unexpected(checksum.error());
  co_return ReceivedBody{std::move(*writer), std::move(*digests), std::move(*checksum)};
}

Awaitable<Result<std::string>> receive_document(const sigv4::Verified& verified, const s3::BodyClaims& claims,
                                                ports::HttpRequestBody& body, std::uint64_t max_bytes) {
  const auto too_long = [](Error error) {
    return error.code == s3::to_string(ErrorCode::entity_too_large)
               ? s3::make_error(ErrorCode::max_message_length_exceeded)
               : std::move(error);
  };
  auto payload = PayloadReader::open(verified, claims, body, max_bytes);
  if (!payload) co_return std::unexpected(too_long(std::move(payload.error())));
  std::string out;
  while (true) {
    const auto piece = co_await payload->next();
    if (!piece) co_return std::unexpected(too_long(piece.error()));
    if (piece->empty()) break;
    out += as_text(*piece);
  }
  if (auto same = payload->verify(md5(out), sha256(out)); !same) co_return std::unexpected(same.error());
  co_return out;
}

}  // namespace s3link::server
