#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"

namespace s3link::app {

/// A whole small file. Errors: not_found, invalid_argument (larger than `max_bytes`, a folder), denied, internal; the
/// message names the file.
Result<std::string> read_file(const std::filesystem::path& file, std::size_t max_bytes);

/// The same of a file that holds a secret. Errors besides: denied (others may read it: core/base/secret_file.hpp).
Result<Secret> read_private_file(const std::filesystem::path& file, std::size_t max_bytes);

/// Creates a file that must not exist yet (conflict), mode 0600: written under another name, synced, linked, and its
/// folder synced. Errors: conflict, denied, internal.
Status create_private_file(const std::filesystem::path& file, std::string_view text);

/// Writes the file anew under another name and renames it over the old one; not synced. Errors: denied, internal.
Status replace_file(const std::filesystem::path& file, std::string_view text);

/// The same for a secret that must not be lost: mode 0600, of the owner of the file before, synced with its folder. The
/// old bytes are not overwritten. Errors: denied, internal.
Status replace_private_file(const std::filesystem::path& file, std::string_view text);

/// Makes the folder, readable by its owner only, where it is missing. Errors: denied, internal.
Status create_private_folder(const std::filesystem::path& folder);

}  // namespace s3link::app
