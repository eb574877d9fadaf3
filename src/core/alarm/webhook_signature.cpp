#include "core/alarm/webhook_signature.hpp"

#include <chrono>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::alarm {

std::string webhook_signature(const Secret& secret, Instant when, std::string_view body) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
  const std::string time = std::to_string(seconds);
  return "t=" + time + ",v1=" + hex_encode(hmac_sha256(secret.reveal(), time + "." + std::string(body)));
}

}  // namespace s3link::alarm
