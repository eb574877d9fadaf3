#pragma once

#include <filesystem>

#include "core/base/result.hpp"
#include "core/sigv4/credentials.hpp"
#include "ports/random.hpp"

namespace s3link::app {

/// data_dir/credentials: two lines of TOML, mode 0600.
///
///     access_key_id = "S3L7QK2M9XW4T8ZB6CVN"
///     secret_access_key = "0123456789abcdefghijklmnopqrstuvwxyzABCD"
///
/// Errors: not_found, invalid_argument (not of that form), denied (others may read it), internal; naming the file.
Result<sigv4::Credentials> read_credentials(const std::filesystem::path& file);

/// The same, or a new random pair when there is no file yet: "S3L" and 17 of A-Z 2-7 (85 bits), and 40 of A-Z a-z 0-9 +
/// - (240 bits). `made` says which. Errors: as read_credentials, but not_found; conflict.
Result<sigv4::Credentials> read_or_create_credentials(const std::filesystem::path& file, ports::Random& random,
                                                      bool& made);

}  // namespace s3link::app
