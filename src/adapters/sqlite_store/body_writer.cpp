#include "adapters/sqlite_store/body_writer.hpp"

#include <algorithm>
#include <utility>

namespace s3link::sqlite_store {

StoredBodyWriter::StoredBodyWriter(BodyFiles& files, const KeyWrap& keys, WorkPool& pool,
                                   std::optional<std::uint64_t> expected_bytes)
    : files_(files),
      keys_(keys),
      pool_(pool),
      key_(make_data_key()),
      cipher_(key_.reveal()),
      md5_(DigestAlgorithm::md5),
      sha256_(DigestAlgorithm::sha256) {
  if (expected_bytes) buffer_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*expected_bytes, kBufferBytes)));
}

Awaitable<Status> StoredBodyWriter::write(std::span<const std::byte> data) {
  if (finished_ || failed_) co_return fail(ErrorKind::internal, "a write to a body that is finished or has failed");
  while (!data.empty()) {
    // Written only when more follows: which package is the final one is known at the end.
    if (buffer_.size() == kBufferBytes) {
      const Status written = co_await pool_.run([this] { return write_buffer(false); });
      if (!written) {
        failed_ = true;
        co_return written;
      }
    }
    const auto piece = data.first(std::min(data.size(), kBufferBytes - buffer_.size()));
    buffer_.insert(buffer_.end(), piece.begin(), piece.end());
    data = data.subspan(piece.size());
  }
  co_return Status{};
}

Awaitable<Result<ports::BodyDigests>> StoredBodyWriter::finish() {
  if (finished_ || failed_) co_return fail(ErrorKind::internal, "a body that has failed cannot be finished");
  if (packages_ == 0 && buffer_.size() <= kLargestSmallBody) {
    md5_.update(buffer_);
    sha256_.update(buffer_);
    body_.digests.size_bytes = buffer_.size();
    fill_random(body_.id);
    body_.sealed.resize(buffer_.size() + kTagBytes);
    cipher_.seal(0, true, buffer_, std::as_writable_bytes(std::span(body_.sealed)));
  } else {
    const Status written = co_await pool_.run([this] { return finish_file(); });
    if (!written) {
      failed_ = true;
      co_return std::unexpected(written.error());
    }
    body_.id = body_.file->id();
  }
  body_.wrapped_key = keys_.wrap(key_, body_.id);
  body_.digests.md5 = md5_.finish();
  body_.digests.sha256 = sha256_.finish();
  key_ = Secret();
  buffer_ = {};
  finished_ = true;
  co_return body_.digests;
}

Result<FinishedBody> StoredBodyWriter::take() {
  if (!std::exchange(finished_, false))
    return fail(ErrorKind::internal, "a body that is not finished cannot be stored");
  failed_ = true;
  return std::move(body_);
}

Result<FinishedBody> take_body(ports::BodyWriter* body) {
  auto* const ours = dynamic_cast<StoredBodyWriter*>(body);
  if (ours == nullptr) return fail(ErrorKind::internal, "a body of another store");
  return ours->take();
}

Status StoredBodyWriter::finish_file() {
  const auto written = write_buffer(true);
  if (!written) return written;
  return body_.file->sync();
}

/// On a thread of the pool, which also owns the memory for what is written at a time.
Status StoredBodyWriter::write_buffer(bool final) {
  if (!body_.file) {
    auto created = files_.create();
    if (!created) return std::unexpected(created.error());
    body_.file = std::move(*created);
  }
  thread_local std::vector<std::byte> sealed(4 * kSealedPackageBytes);
  md5_.update(buffer_);
  sha256_.update(buffer_);
  body_.digests.size_bytes += buffer_.size();

  const std::uint64_t offset = kHeaderBytes + packages_ * kSealedPackageBytes;
  std::span<std::byte> out(sealed);
  std::size_t length = 0;
  for (std::span<const std::byte> rest(buffer_); !rest.empty();) {
    const auto plain = rest.first(std::min(rest.size(), kPackageBytes));
    rest = rest.subspan(plain.size());
    const auto package = out.subspan(length, plain.size() + kTagBytes);
    cipher_.seal(packages_++, final && rest.empty(), plain, package);
    length += package.size();
  }
  buffer_.clear();
  return body_.file->write_at(offset, out.first(length));
}

}  // namespace s3link::sqlite_store
