#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace s3link::sqlite_store {

/// What the body files need from the operating system, and no more: so a test can fail each call.
/// Every call returns 0 or an errno value. Thread safety: any number of calls at a time.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// A new file, mode 0600; EEXIST when there is one.
  virtual int create(const std::string& path, int& descriptor) = 0;
  /// For reading, without following a symbolic link and without waiting. ELOOP: it is no regular file.
  virtual int open(const std::string& path, int& descriptor) = 0;
  virtual void close(int descriptor) = 0;
  /// Writes all of `data` or fails.
  virtual int write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> data) = 0;
  /// Reads until `out` is full or the file ends. With `cached_only` it may instead return EAGAIN when the bytes are not
  /// in memory.
  virtual int read_at(int descriptor, std::uint64_t offset, std::span<std::byte> out, bool cached_only,
                      std::size_t& length) = 0;
  virtual int sync_data(int descriptor) = 0;
  virtual int unlink(const std::string& path) = 0;
  /// Mode 0700; EEXIST when there is one.
  virtual int make_folder(const std::string& path) = 0;
  virtual int sync_folder(const std::string& path) = 0;
  /// Calls `each` with the name of every entry but "." and "..".
  virtual int list_folder(const std::string& path, const std::function<void(std::string_view)>& each) = 0;
  /// What an unprivileged process may still write below `path`.
  virtual int free_bytes(const std::string& path, std::uint64_t& bytes) = 0;
};

/// POSIX.
FileSystem& real_file_system();

/// FileSystem::open() of the real one: a descriptor, or an errno value, negative.
int open_regular_file(const char* path) noexcept;

/// A descriptor with its owner; closed at the end of its life.
class FileHandle {
 public:
  FileHandle() = default;
  FileHandle(FileSystem& files, int descriptor) : files_(&files), descriptor_(descriptor) {}
  FileHandle(FileHandle&& other) noexcept
      : files_(std::exchange(other.files_, nullptr)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(files_, other.files_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileHandle() {
    if (files_ != nullptr) files_->close(descriptor_);
  }
  explicit operator bool() const noexcept { return files_ != nullptr; }
  int get() const noexcept { return descriptor_; }

 private:
  FileSystem* files_ = nullptr;
  int descriptor_ = -1;
};

}  // namespace s3link::sqlite_store
