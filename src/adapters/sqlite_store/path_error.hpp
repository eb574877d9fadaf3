#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "core/base/result.hpp"

namespace s3link::sqlite_store {

/// "WHAT PATH: why", for an errno value. Errors: transient (the disk is full), internal (anything else).
std::unexpected<Error> path_error(std::string what, const std::filesystem::path& path, int number);
std::unexpected<Error> path_error(std::string what, const std::filesystem::path& path, const std::error_code& failure);

}  // namespace s3link::sqlite_store
