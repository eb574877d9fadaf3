#pragma once

#include <filesystem>
#include <vector>

#include "core/base/result.hpp"
#include "core/sigv4/key_ring.hpp"
#include "ports/random.hpp"

namespace s3link::app {

/// What data_dir/credentials holds; docs/formats/credentials.md draws it.
struct StoredKeys {
  sigv4::Credentials current;
  std::vector<sigv4::OldCredentials> old = {};  ///< those that it replaced, oldest first; their ends may be over
};

/// Errors: not_found, invalid_argument (not of that form, or a newer version's), denied (others may read it), internal;
/// naming the file.
Result<StoredKeys> read_credentials(const std::filesystem::path& file);

/// The same, or a new random pair when there is no file yet. `made` says which. Errors: as read_credentials, but
/// not_found; conflict.
Result<StoredKeys> read_or_create_credentials(const std::filesystem::path& file, ports::Random& random, bool& made);

/// "S3L" and 17 of A-Z 2-7 (85 bits), and 40 of A-Z a-z 0-9 + - (240 bits).
sigv4::Credentials make_credentials(ports::Random& random);

/// In place of the file that is there, for the same owner; on the disk when it returns. Errors: denied, internal.
Status write_credentials(const std::filesystem::path& file, const StoredKeys& keys);

}  // namespace s3link::app
