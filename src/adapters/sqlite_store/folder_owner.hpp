#pragma once

#include <filesystem>

#include "core/base/result.hpp"

namespace s3link::sqlite_store {

/// For what works on a data folder beside its server: files that another user makes there could not be opened by it.
/// Errors: not_found (no s3link.db there), denied (it belongs to another user).
Status check_folder_owner(const std::filesystem::path& data_dir);

}  // namespace s3link::sqlite_store
