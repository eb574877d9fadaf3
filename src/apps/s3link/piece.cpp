#include "apps/s3link/piece.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::app {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;

/// Takes back what it reported when it is destroyed before its end: the piece will be sent again, or not at all.
class SentReport {
 public:
  explicit SentReport(OnSent on_sent) : on_sent_(std::move(on_sent)) {}
  SentReport(const SentReport&) = delete;
  SentReport& operator=(const SentReport&) = delete;
  ~SentReport() {
    if (!complete_ && on_sent_) on_sent_(-sent_);
  }
  void add(std::size_t bytes) {
    sent_ += static_cast<std::int64_t>(bytes);
    if (on_sent_) on_sent_(static_cast<std::int64_t>(bytes));
  }
  void complete() noexcept { complete_ = true; }

 private:
  OnSent on_sent_;
  std::int64_t sent_ = 0;
  bool complete_ = false;
};

/// Fills the span from the file. Errors: internal, invalid_argument (the file ends before).
Status read_exactly(const InputFile& file, std::uint64_t offset, std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t count = ::pread(file.descriptor(), out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return fail(ErrorKind::internal, fmt::format("cannot read {}: {}", file.name(), std::strerror(errno)));
    }
    if (count == 0) {
      return fail(ErrorKind::invalid_argument, fmt::format("{} became shorter while it was read", file.name()));
    }
    offset += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

class FileSource final : public ports::HttpBodySource {
 public:
  FileSource(const InputFile& file, std::uint64_t offset, std::uint64_t length, OnSent on_sent)
      : file_(file), offset_(offset), left_(length), report_(std::move(on_sent)) {}

  Awaitable<Result<std::span<const std::byte>>> next() override {
    if (left_ == 0) {
      report_.complete();
      co_return std::span<const std::byte>{};
    }
    buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left_, kBufferBytes)));
    if (const Status read = read_exactly(file_, offset_, buffer_); !read) co_return std::unexpected(read.error());
    offset_ += buffer_.size();
    left_ -= buffer_.size();
    report_.add(buffer_.size());
    if (left_ == 0) report_.complete();
    co_return std::span<const std::byte>(buffer_);
  }

 private:
  const InputFile& file_;
  std::uint64_t offset_, left_;
  SentReport report_;
  std::vector<std::byte> buffer_;
};

class MemorySource final : public ports::HttpBodySource {
 public:
  MemorySource(std::shared_ptr<const std::vector<std::byte>> bytes, OnSent on_sent)
      : bytes_(std::move(bytes)), report_(std::move(on_sent)) {}

  Awaitable<Result<std::span<const std::byte>>> next() override {
    const auto piece = std::span(*bytes_).subspan(offset_, std::min(kBufferBytes, bytes_->size() - offset_));
    offset_ += piece.size();
    report_.add(piece.size());
    if (offset_ == bytes_->size()) report_.complete();
    co_return std::span<const std::byte>(piece);
  }

 private:
  std::shared_ptr<const std::vector<std::byte>> bytes_;
  std::size_t offset_ = 0;
  SentReport report_;
};

}  // namespace

InputFile::InputFile(std::string name, int descriptor, std::optional<std::uint64_t> size)
    : name_(std::move(name)), descriptor_(descriptor), size_(size) {}
InputFile::InputFile(InputFile&& other) noexcept
    : name_(std::move(other.name_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}
InputFile::~InputFile() {
  if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

Result<InputFile> InputFile::open(const std::string& name) {
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const int error = errno;
    const ErrorKind kind = error == ENOENT   ? ErrorKind::not_found
                           : error == EACCES ? ErrorKind::denied
                                             : ErrorKind::internal;
    return fail(kind, fmt::format("cannot read {}: {}", name, std::strerror(error)));
  }
  InputFile file(name, descriptor, std::nullopt);
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) {
    return fail(ErrorKind::internal, fmt::format("cannot read {}: {}", name, std::strerror(errno)));
  }
  if (S_ISDIR(status.st_mode))
    return fail(ErrorKind::invalid_argument, fmt::format("{} is a folder; name its files", name));
  if (S_ISREG(status.st_mode)) file.size_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

InputFile InputFile::standard_input() { return {"-", STDIN_FILENO, std::nullopt}; }

Result<Piece> file_piece(const InputFile& file, std::uint64_t offset, std::uint64_t length, OnSent on_sent) {
  Digest sha256(DigestAlgorithm::sha256), md5(DigestAlgorithm::md5);
  std::vector<std::byte> buffer;
  for (std::uint64_t done = 0; done < length; done += buffer.size()) {
    buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(length - done, kBufferBytes)));
    if (const Status read = read_exactly(file, offset + done, buffer); !read) return std::unexpected(read.error());
    sha256.update(buffer);
    md5.update(buffer);
  }
  return Piece{length, hex_encode(sha256.finish()), hex_encode(md5.finish()),
               [&file, offset, length, on_sent = std::move(on_sent)] {
                 return std::make_unique<FileSource>(file, offset, length, on_sent);
               }};
}

Piece memory_piece(std::vector<std::byte> bytes, OnSent on_sent) {
  const auto shared = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  const std::string_view text = as_text(*shared);
  return Piece{shared->size(), hex_encode(sha256(text)), hex_encode(md5(text)),
               [shared, on_sent = std::move(on_sent)] { return std::make_unique<MemorySource>(shared, on_sent); }};
}

}  // namespace s3link::app
