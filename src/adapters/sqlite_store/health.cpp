#include "adapters/sqlite_store/health.hpp"

namespace s3link::sqlite_store {
namespace {

/// Room for a group of commits and a checkpoint: with less, "writable" would flicker.
constexpr std::uint64_t kRoomBytes = 64ULL * 1024 * 1024;

}  // namespace

void Health::refuse_writes(std::string reason) {
  const std::lock_guard lock(mutex_);
  if (refusing()) return;
  reason_ = std::move(reason);
  refusing_.store(true, std::memory_order_release);
}

Error Health::refusal() const {
  const std::lock_guard lock(mutex_);
  return {ErrorKind::transient, "writes are refused until the server is started again: " + reason_,
          "ServiceUnavailable"};
}

Status Health::writable() const {
  if (refusing()) return std::unexpected(refusal());
  if (!full_.load(std::memory_order_relaxed)) return {};
  std::uint64_t free = 0;
  if (files_.free_bytes(data_dir_, free) == 0 && free >= kRoomBytes) {
    full_.store(false, std::memory_order_relaxed);
    return {};
  }
  return fail(ErrorKind::transient, "no space left in the data folder", "ServiceUnavailable");
}

}  // namespace s3link::sqlite_store
