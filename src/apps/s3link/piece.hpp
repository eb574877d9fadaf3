#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "ports/http_client.hpp"

namespace s3link::app {

/// A run of bytes to upload in one request: its length, its digests, and a source that can be opened again for a
/// repeat.
struct Piece {
  std::uint64_t size_bytes = 0;
  std::string sha256;  ///< hexadecimal
  std::string md5;     ///< hexadecimal
  std::function<std::unique_ptr<ports::HttpBodySource>()> open;
};

/// Called with the bytes handed to the connection as they go; a repeated piece starts with minus what it sent before.
using OnSent = std::function<void(std::int64_t bytes)>;

/// An open file, or standard input.
class InputFile {
 public:
  /// Errors: not_found, denied, invalid_argument (a folder), internal; naming the file.
  static Result<InputFile> open(const std::string& name);
  /// "-"
  static InputFile standard_input();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile();

  /// Empty: not a regular file, read until its end.
  std::optional<std::uint64_t> size() const noexcept { return size_; }
  int descriptor() const noexcept { return descriptor_; }
  const std::string& name() const noexcept { return name_; }

 private:
  InputFile(std::string name, int descriptor, std::optional<std::uint64_t> size);
  std::string name_;
  int descriptor_;
  std::optional<std::uint64_t> size_;
};

/// A range of a file: read once for its digests, and again when it is sent. The file must outlive the piece.
/// Errors: internal (I/O), invalid_argument (the file became shorter).
Result<Piece> file_piece(const InputFile& file, std::uint64_t offset, std::uint64_t length, OnSent on_sent);

/// Bytes in memory, shared by the sources that read them.
Piece memory_piece(std::vector<std::byte> bytes, OnSent on_sent);

}  // namespace s3link::app
