#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sqlite_store/body_files.hpp"
#include "adapters/sqlite_store/package_cipher.hpp"
#include "adapters/sqlite_store/work_pool.hpp"
#include "core/base/digest.hpp"
#include "ports/bucket_store.hpp"

namespace s3link::sqlite_store {

/// A finished body, ready for its row.
struct FinishedBody {
  BodyId id{};
  std::string wrapped_key;
  ports::BodyDigests digests;
  std::string sealed;                 ///< a small body's package
  std::unique_ptr<PendingFile> file;  ///< a large body's file; null: small
};

/// The body writer of this store: gathers up to 256 KiB, then hashes, encrypts and writes them on the pool. A body that
/// ends within 16 KiB never touches a file.
class StoredBodyWriter final : public ports::BodyWriter {
 public:
  static constexpr std::size_t kLargestSmallBody = 16 * 1024;

  StoredBodyWriter(BodyFiles& files, const KeyWrap& keys, WorkPool& pool, std::optional<std::uint64_t> expected_bytes);

  Awaitable<Status> write(std::span<const std::byte> data) override;
  Awaitable<Result<ports::BodyDigests>> finish() override;

  /// Once, after finish() has returned a value. Errors: internal when it has not.
  Result<FinishedBody> take();

 private:
  static constexpr std::size_t kBufferBytes = 4 * kPackageBytes;

  Status write_buffer(bool final);
  Status finish_file();

  BodyFiles& files_;
  const KeyWrap& keys_;
  WorkPool& pool_;
  Secret key_;
  PackageCipher cipher_;
  Digest md5_;
  Digest sha256_;
  std::vector<std::byte> buffer_;
  std::uint64_t packages_ = 0;  ///< written
  bool failed_ = false;
  bool finished_ = false;
  FinishedBody body_;
};

/// What the port's writer holds. Errors: internal when it is another store's or not finished.
Result<FinishedBody> take_body(ports::BodyWriter* body);

}  // namespace s3link::sqlite_store
