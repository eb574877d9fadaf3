#include "adapters/sqlite_store/body_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

/// The log's line about it names the object.
Error with_advice(Error error) {
  if (error.kind == ErrorKind::corrupt) error.message += "; restore the object from a backup";
  return error;
}

}  // namespace

Awaitable<Result<std::size_t>> StoredBodyReader::read_at(std::uint64_t offset, std::span<std::byte> out) {
  const std::span<std::byte> wanted = clip(offset, out);
  Result<bool> done = read(offset, wanted, true);
  if (done && !*done) done = co_await pool_.run([this, offset, wanted] { return read(offset, wanted, false); });
  if (!done) co_return std::unexpected(with_advice(done.error()));
  co_return wanted.size();
}

Result<std::size_t> StoredBodyReader::read_and_wait(std::uint64_t offset, std::span<std::byte> out) {
  const std::span<std::byte> wanted = clip(offset, out);
  const Result<bool> done = read(offset, wanted, false);
  if (!done) return std::unexpected(with_advice(done.error()));
  return wanted.size();
}

std::span<std::byte> StoredBodyReader::clip(std::uint64_t offset, std::span<std::byte> out) const noexcept {
  const std::uint64_t left = offset < set_->size_bytes ? set_->size_bytes - offset : 0;
  return out.first(static_cast<std::size_t>(std::min<std::uint64_t>({left, out.size(), kMostBytes})));
}

Result<bool> StoredBodyReader::read(std::uint64_t offset, std::span<std::byte> out, bool cached_only) {
  // The last body that begins at or before the offset.
  const auto& bodies = set_->bodies;
  auto body = std::upper_bound(bodies.begin(), bodies.end(), offset,
                               [](std::uint64_t at, const StoredBody& one) { return at < one.start; });
  while (!out.empty()) {
    if (body == bodies.begin()) return fail(ErrorKind::corrupt, "an object has fewer bytes than its row says");
    const StoredBody& current = *std::prev(body);
    const std::uint64_t from = offset - current.start;
    if (from >= current.size_bytes) return fail(ErrorKind::corrupt, "an object has fewer bytes than its row says");
    const auto piece =
        out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), current.size_bytes - from)));
    const auto index = static_cast<std::size_t>(std::prev(body) - bodies.begin());
    if (cached_only && current.in_file && selected_ != index) return false;  // a file that is to be opened
    if (const auto selected = select(index); !selected) return std::unexpected(selected.error());
    const auto done = read_body(current, from, piece, cached_only);
    if (!done || !*done) return done;
    out = out.subspan(piece.size());
    offset += piece.size();
    if (!out.empty() && body == bodies.end())
      return fail(ErrorKind::corrupt, "an object has fewer bytes than its row says");
    if (!out.empty()) ++body;
  }
  return true;
}

Status StoredBodyReader::select(std::size_t index) {
  if (selected_ == index) return {};
  selected_.reset();
  const StoredBody& body = set_->bodies[index];
  auto key = keys_.unwrap(body.wrapped_key, body.id);
  if (!key) return std::unexpected(key.error());
  cipher_.emplace(key->reveal());
  file_ = FileHandle();
  if (body.in_file) {
    auto opened = files_.open(body.id);
    if (!opened && opened.error().kind == ErrorKind::not_found) return fail(ErrorKind::corrupt, opened.error().message);
    if (!opened) return std::unexpected(opened.error());
    file_ = std::move(*opened);
  }
  selected_ = index;
  return {};
}

Result<bool> StoredBodyReader::read_body(const StoredBody& body, std::uint64_t offset, std::span<std::byte> out,
                                         bool cached_only) {
  const std::uint64_t first = offset / kPackageBytes;
  const std::uint64_t last = (offset + out.size() - 1) / kPackageBytes;
  const std::uint64_t final = package_count(body.size_bytes) - 1;
  const auto plain_bytes = [&](std::uint64_t package) {
    return static_cast<std::size_t>(package == final ? body.size_bytes - final * kPackageBytes : kPackageBytes);
  };

  thread_local std::vector<std::byte> packages;
  const std::size_t length =
      static_cast<std::size_t>(last - first) * kSealedPackageBytes + plain_bytes(last) + kTagBytes;
  std::span<const std::byte> sealed = s3link::as_bytes(body.sealed);
  if (body.in_file) {
    if (packages.size() < length) packages.resize(length);
    std::size_t got = 0;
    const int failure = files_.system().read_at(file_.get(), kHeaderBytes + first * kSealedPackageBytes,
                                                std::span(packages).first(length), cached_only, got);
    if (cached_only && failure == EAGAIN) return false;
    if (failure != 0) return std::unexpected(files_.io_error("a body could not be read", failure));
    sealed = std::span(packages).first(got);
  }
  if (sealed.size() < length) return fail(ErrorKind::corrupt, "a stored body is shorter than its row says");

  for (std::uint64_t package = first; package <= last; ++package) {
    const std::size_t plain = plain_bytes(package);
    const auto from =
        sealed.subspan(static_cast<std::size_t>(package - first) * kSealedPackageBytes, plain + kTagBytes);
    const auto skip = static_cast<std::size_t>(package == first ? offset - first * kPackageBytes : 0);
    const std::size_t take = std::min(plain - skip, out.size());
    if (take == plain) {
      if (const auto opened = cipher_->open(package, package == final, from, out.first(plain)); !opened)
        return std::unexpected(opened.error());
    } else {
      thread_local std::vector<std::byte> whole(kPackageBytes);
      const auto room = std::span(whole).first(plain);
      if (const auto opened = cipher_->open(package, package == final, from, room); !opened)
        return std::unexpected(opened.error());
      std::copy_n(room.begin() + static_cast<std::ptrdiff_t>(skip), take, out.begin());
    }
    out = out.subspan(take);
  }
  return true;
}

}  // namespace s3link::sqlite_store
