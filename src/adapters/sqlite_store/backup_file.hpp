#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "core/base/result.hpp"

namespace s3link::sqlite_store {

/// Copies what `from`, open as `in`, holds from its start into the new or emptied file `to` (0600), and returns how
/// many bytes it were. Calls `went_on` after each piece, and ends with its error. What is not yet on the disk stays
/// below 64 MiB, so that going on means that the disk takes it; the last part is not synced. Errors: transient (disk
/// full), internal (I/O).
Result<std::uint64_t> copy_file(int in, const std::filesystem::path& from, const std::filesystem::path& to,
                                const std::function<Status(std::uint64_t bytes)>& went_on);

}  // namespace s3link::sqlite_store
