#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/doctor/finding.hpp"

namespace s3link::doctor {

/// The filesystem of the data folder.
struct DiskSpace {
  std::uint64_t free_bytes = 0;  ///< for the server's user
  std::uint64_t free_files = 0;
  bool counts_files = true;        ///< false: the filesystem has no bound of files
  std::uint64_t stored_bytes = 0;  ///< what the data folder holds; a lower bound where there are very many files
  std::optional<std::uint64_t> max_object_bytes;  ///< where it was set; the default is larger than most disks
};

/// Less than 64 MiB or 100 files fails: uploads are about to be refused. Less than 1 GiB, 10,000 files, a tenth of what
/// is stored, or one object of the allowed size is a warning.
Finding check_disk_space(const DiskSpace& space, const std::string& folder);

}  // namespace s3link::doctor
