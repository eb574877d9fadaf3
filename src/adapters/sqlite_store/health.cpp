#include "adapters/sqlite_store/health.hpp"

namespace s3link::sqlite_store {
namespace {

/// What deletions need when the disk is full otherwise: the log at its largest (Checkpointer) and some pages.
constexpr std::uint64_t kReserveBytes = 40ULL * 1024 * 1024;
/// Writable again: some more, so that the answer does not flicker.
constexpr std::uint64_t kRoomBytes = 2 * kReserveBytes;

std::unexpected<Error> no_space() {
  return fail(ErrorKind::transient, "no space left in the data folder", "ServiceUnavailable");
}

std::unexpected<Error> log_at_limit() {
  return fail(ErrorKind::transient,
              "the database's log is at its limit and cannot be cut: somebody has been reading the database for too "
              "long, or the disk is full",
              "SlowDown");
}

}  // namespace

void Health::refuse_writes(std::string reason) {
  const std::lock_guard lock(mutex_);
  if (refusing()) return;
  reason_ = std::move(reason);
  refusing_.store(true, std::memory_order_release);
}

Error Health::refusal() const {
  const std::lock_guard lock(mutex_);
  return {ErrorKind::transient, "writes are refused until s3link is restarted: " + reason_, "ServiceUnavailable"};
}

Status Health::writable() const {
  if (refusing()) return std::unexpected(refusal());
  if (log_pressure() >= LogPressure::refuses_uploads) return log_at_limit();
  if (!full_.load(std::memory_order_relaxed)) return {};
  if (free_bytes() >= kRoomBytes) {
    full_.store(false, std::memory_order_relaxed);
    return {};
  }
  return no_space();
}

Status Health::may_commit() const {
  if (refusing()) return std::unexpected(refusal());
  if (log_pressure() >= LogPressure::refuses_all) return log_at_limit();
  return {};
}

Status Health::room_for(std::uint64_t bytes) {
  auto room = room_beside_reserve(bytes);
  if (!room) note_disk_full();
  return room;
}

Status Health::room_beside_reserve(std::uint64_t bytes) const {
  if (free_bytes() >= kReserveBytes + bytes) return {};
  return no_space();
}

std::uint64_t Health::free_bytes() const {
  std::uint64_t free = 0;
  return files_.free_bytes(data_dir_, free) == 0 ? free : 0;
}

}  // namespace s3link::sqlite_store
