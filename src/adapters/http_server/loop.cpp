#include "adapters/http_server/loop.hpp"

#include <algorithm>
#include <chrono>

#include "core/base/instant.hpp"

namespace s3link::http_server {

namespace {
constexpr std::size_t kLargePieceBytes = 256 * 1024;
constexpr std::size_t kSmallPieceBytes = 32 * 1024;
constexpr std::size_t kLargePieces = 32;
constexpr std::size_t kPiecesKept = 4;
// Who came this recently may be about to ask.
constexpr std::chrono::milliseconds kMinAge{100};
}  // namespace

Loop::Loop(const ServerOptions& options) {
  const auto shortest = std::min({options.head_timeout, options.idle_timeout, options.body_timeout,
                                  options.write_timeout, options.drain_timeout, options.drain_window});
  tick_ =
      std::clamp<std::chrono::milliseconds>(shortest / 8, std::chrono::milliseconds(5), std::chrono::milliseconds(500));
  spare_pieces_.reserve(kPiecesKept);
}

Loop::Registration Loop::add(Channel& channel) {
  const auto registration = channels_.insert(channels_.end(), &channel);
  if (!ticking_) watch_deadlines();
  return registration;
}

void Loop::remove(Registration registration) noexcept {
  if ((*registration)->leaving) --leaving_;
  channels_.erase(registration);
}

void Loop::watch_deadlines() {
  ticking_ = !channels_.empty();
  if (!ticking_) return;
  timer_.expires_after(tick_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const auto now = std::chrono::steady_clock::now();
    for (Channel* channel : channels_) channel->expire(now);
    watch_deadlines();
  });
}

void Loop::stop_gently() noexcept {
  stopping_ = true;
  for (Channel* channel : channels_) {
    if (channel->awaits_request) channel->close();
  }
}

void Loop::close_all() noexcept {
  stopping_ = true;
  for (Channel* channel : channels_) channel->close();
}

std::size_t Loop::make_room(std::size_t count) {
  std::vector<Channel*> candidates;
  const auto latest = std::chrono::steady_clock::now() - kMinAge;
  for (Channel* channel : channels_) {
    if (channel->worth != Worth::busy && channel->since <= latest) candidates.push_back(channel);
  }
  std::ranges::sort(candidates, {}, [](const Channel* channel) { return std::pair(channel->worth, channel->since); });
  count -= std::min(count, leaving_);
  std::size_t closed = 0;
  for (Channel* const channel : candidates) {
    if (closed == count) break;
    if (channel->worth != Worth::refused && channel->input_waits()) continue;  // its request may be here
    channel->close();
    channel->leaving = true;
    ++leaving_;
    ++closed;
  }
  return closed;
}

std::string_view Loop::date() {
  const Instant now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const std::int64_t second = to_unix_ms(now) / 1000;
  if (second != date_second_) {
    date_ = http_date(now);
    date_second_ = second;
  }
  return date_;
}

Piece Loop::take_piece() {
  if (large_pieces_out_ >= kLargePieces) {
    return {*this, std::make_unique_for_overwrite<std::byte[]>(kSmallPieceBytes), kSmallPieceBytes};
  }
  std::unique_ptr<std::byte[]> bytes;
  if (spare_pieces_.empty()) {
    bytes = std::make_unique_for_overwrite<std::byte[]>(kLargePieceBytes);
  } else {
    bytes = std::move(spare_pieces_.back());
    spare_pieces_.pop_back();
  }
  ++large_pieces_out_;
  return {*this, std::move(bytes), kLargePieceBytes};
}

Piece& Piece::operator=(Piece&& other) noexcept {
  if (this != &other) {
    release();
    loop_ = std::exchange(other.loop_, nullptr);
    bytes_ = std::move(other.bytes_);
    size_ = other.size_;
  }
  return *this;
}

void Piece::release() noexcept {
  if (bytes_ && size_ == kLargePieceBytes) {
    --loop_->large_pieces_out_;
    if (loop_->spare_pieces_.size() < kPiecesKept) loop_->spare_pieces_.push_back(std::move(bytes_));
  }
  bytes_.reset();
}

}  // namespace s3link::http_server
