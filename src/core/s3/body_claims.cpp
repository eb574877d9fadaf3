#include "core/s3/body_claims.hpp"

#include <charconv>

#include "core/base/encoding.hpp"
#include "core/s3/error_code.hpp"

namespace s3link::s3 {
namespace {

constexpr std::string_view kPrefix = "x-amz-checksum-";

std::unexpected<Error> invalid(std::string message) { return refuse(ErrorCode::invalid_request, std::move(message)); }

/// Names that begin like a checksum's but are not one.
bool is_option(std::string_view lower_name) {
  const std::string_view rest = lower_name.substr(kPrefix.size());
  return rest == "mode" || rest == "algorithm" || rest == "type";
}

std::optional<std::string> raw_checksum(ChecksumAlgorithm algorithm, std::string_view text) {
  auto raw = base64_decode(text);
  if (!raw || raw->size() != checksum_bytes(algorithm)) return std::nullopt;
  return raw;
}

Result<std::vector<std::string>> parse_trailers(const Fields& fields) {
  std::vector<std::string> out;
  const auto list = joined_field(fields, "x-amz-trailer");
  if (!list) return out;
  std::string_view rest = *list;
  while (true) {
    const auto comma = rest.find(',');
    const std::string_view name = trim(rest.substr(0, comma));
    if (!name.empty()) out.push_back(to_lower(name));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (out.size() > 1)
    return invalid("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
  if (!out.empty() &&
      (!out[0].starts_with(kPrefix) || !parse_checksum_algorithm(std::string_view(out[0]).substr(kPrefix.size())))) {
    return invalid("The value specified in the x-amz-trailer header is not supported");
  }
  return out;
}

}  // namespace

Result<std::optional<ObjectChecksumClaim>> parse_checksum_claim(const Fields& fields) {
  std::optional<ObjectChecksumClaim> claim;
  for (const auto& [name, value] : fields) {
    const std::string lower = to_lower(name);
    if (!lower.starts_with(kPrefix) || is_option(lower)) continue;
    const auto algorithm = parse_checksum_algorithm(std::string_view(lower).substr(kPrefix.size()));
    if (!algorithm) return refuse(ErrorCode::not_implemented, "The checksum " + lower + " is not implemented.");
    if (claim) return invalid("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
    claim = {*algorithm, std::string(trim(value))};
  }
  return claim;
}

Result<BodyClaims> BodyClaims::parse(const Fields& fields) {
  BodyClaims claims;
  if (const auto md5 = joined_field(fields, "Content-MD5")) {
    claims.md5 = base64_decode(trim(*md5));
    if (!claims.md5 || claims.md5->size() != 16) {
      return refuse(ErrorCode::invalid_digest, "The Content-MD5 you specified is not valid.");
    }
  }
  const auto claim = parse_checksum_claim(fields);
  if (!claim) return std::unexpected(claim.error());
  auto trailers = parse_trailers(fields);
  if (!trailers) return std::unexpected(trailers.error());
  claims.trailers = std::move(*trailers);
  if (*claim && !claims.trailers.empty()) {
    return invalid("Expecting a single x-amz-checksum- header");
  }
  if (*claim) {
    claims.algorithm = (*claim)->algorithm;
    claims.checksum = raw_checksum((*claim)->algorithm, (*claim)->value);
    if (!claims.checksum) {
      return invalid("Value for " + checksum_field(*claims.algorithm) + " header is invalid.");
    }
  } else if (!claims.trailers.empty()) {
    claims.algorithm = parse_checksum_algorithm(std::string_view(claims.trailers[0]).substr(kPrefix.size()));
  }
  if (const auto sdk = joined_field(fields, "x-amz-sdk-checksum-algorithm"); sdk && !trim(*sdk).empty()) {
    const auto algorithm = parse_checksum_algorithm(trim(*sdk));
    if (!algorithm) return invalid("Value for x-amz-sdk-checksum-algorithm header is invalid.");
    if (!claims.algorithm && !claims.md5) {
      return invalid(
          "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were "
          "found.");
    }
    if (claims.algorithm && *claims.algorithm != *algorithm) {
      return invalid("Value for x-amz-sdk-checksum-algorithm header is invalid.");
    }
  }
  if (const auto length = joined_field(fields, "x-amz-decoded-content-length")) {
    std::uint64_t size = 0;
    const auto [end, ec] = std::from_chars(length->data(), length->data() + length->size(), size);
    if (ec != std::errc{} || end != length->data() + length->size() || length->empty()) {
      return refuse(ErrorCode::invalid_argument, "x-amz-decoded-content-length is not a whole number.");
    }
    claims.decoded_size_bytes = size;
  }
  return claims;
}

Result<MultipartChecksum> MultipartChecksum::parse(const Fields& fields) {
  MultipartChecksum out;
  const auto algorithm = joined_field(fields, "x-amz-checksum-algorithm");
  const auto type = joined_field(fields, "x-amz-checksum-type");
  if (!algorithm) {
    if (type) {
      return invalid("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
    }
    return out;
  }
  out.algorithm = parse_checksum_algorithm(trim(*algorithm));
  if (!out.algorithm) {
    return invalid(
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
        "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
  }
  const bool only_full = *out.algorithm == ChecksumAlgorithm::crc64nvme;
  out.composite = !only_full;
  if (!type) return out;
  if (equals_ignoring_case(trim(*type), "COMPOSITE")) {
    out.composite = true;
  } else if (equals_ignoring_case(trim(*type), "FULL_OBJECT")) {
    out.composite = false;
  } else {
    return invalid("Value for x-amz-checksum-type header is invalid.");
  }
  if ((out.composite && only_full) || (!out.composite && !is_crc(*out.algorithm))) {
    return invalid("The " + std::string(out.composite ? "COMPOSITE" : "FULL_OBJECT") +
                   " checksum type cannot be used with the " + to_lower(to_string(*out.algorithm)) +
                   " checksum algorithm.");
  }
  return out;
}

}  // namespace s3link::s3
