#pragma once

#include <optional>

#include "adapters/sqlite_store/body_files.hpp"
#include "adapters/sqlite_store/body_set.hpp"
#include "adapters/sqlite_store/work_pool.hpp"
#include "ports/bucket_store.hpp"

namespace s3link::sqlite_store {

/// Reads one object's bodies as one. Bytes in memory are decrypted on the caller's thread; when the disk must be waited
/// for, or a file opened, a thread of the pool does it.
class StoredBodyReader final : public ports::BodyReader {
 public:
  static constexpr std::size_t kMostBytes = 256 * 1024;

  StoredBodyReader(OpenBodySets::Shared set, BodyFiles& files, const KeyWrap& keys, WorkPool& pool)
      : set_(std::move(set)), files_(files), keys_(keys), pool_(pool) {}

  Awaitable<Result<std::size_t>> read_at(std::uint64_t offset, std::span<std::byte> out) override;

  /// The same for a thread that may wait.
  Result<std::size_t> read_and_wait(std::uint64_t offset, std::span<std::byte> out);

 private:
  /// False: the disk would have to be waited for.
  Result<bool> read(std::uint64_t offset, std::span<std::byte> out, bool cached_only);
  Result<bool> read_body(const StoredBody& body, std::uint64_t offset, std::span<std::byte> out, bool cached_only);
  Status select(std::size_t index);
  std::span<std::byte> clip(std::uint64_t offset, std::span<std::byte> out) const noexcept;

  OpenBodySets::Shared set_;
  BodyFiles& files_;
  const KeyWrap& keys_;
  WorkPool& pool_;
  std::optional<std::size_t> selected_;  ///< the body that file_ and cipher_ are for
  FileHandle file_;
  std::optional<PackageCipher> cipher_;
};

}  // namespace s3link::sqlite_store
