#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "core/base/result.hpp"

namespace s3link::sqlite_store {

/// Copies the database as of one moment, while others write to it, into a new file that needs no log beside it. Not
/// synced. Errors: transient (disk full), corrupt, internal (I/O).
Status copy_database(const std::filesystem::path& from, const std::filesystem::path& to,
                     const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

}  // namespace s3link::sqlite_store
