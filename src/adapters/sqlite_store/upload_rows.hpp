#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sqlite_store/commit_queue.hpp"
#include "adapters/sqlite_store/connection.hpp"
#include "ports/bucket_store.hpp"

namespace s3link::sqlite_store {

/// SQL over the table `uploads` and the parts in `bodies`, inside the caller's transaction.

struct UploadRow {
  ports::UploadInfo info;
  std::int64_t body_set = 0;
};

/// Errors: not_found, code NoSuchUpload; corrupt.
Result<UploadRow> find_upload(Connection& db, std::int64_t bucket, const s3::ObjectKey& key,
                              const std::string& upload_id);
/// Parts with a number above `after`, ascending. Errors: corrupt.
Result<std::vector<ports::PartInfo>> read_parts(Connection& db, std::int64_t body_set, unsigned after,
                                                std::size_t most);
void delete_upload_row(Connection& db, std::int64_t bucket, const s3::ObjectKey& key, const std::string& upload_id);
/// Removes an upload with its parts, but nothing that another has, too, as damaged rows may say.
void discard_upload(WriteTransaction& transaction, std::int64_t bucket, std::string_view key,
                    std::string_view upload_id);
/// Removes all uploads of the bucket with their parts.
void discard_uploads(WriteTransaction& transaction, std::int64_t bucket);

/// The parts a completion names, checked against those stored.
struct ChosenParts {
  std::uint64_t size_bytes = 0;
  std::string etag;  ///< hexadecimal MD5 of the parts' MD5s, "-", count
  std::vector<std::uint64_t> sizes;
  std::vector<unsigned> left_over;  ///< stored, but not named
};
/// Errors: invalid_argument with code InvalidPart, InvalidPartOrder or EntityTooSmall.
Result<ChosenParts> choose_parts(const std::vector<ports::PartInfo>& stored,
                                 const std::vector<ports::CompletePart>& named);

}  // namespace s3link::sqlite_store
