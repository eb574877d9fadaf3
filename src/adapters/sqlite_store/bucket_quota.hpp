#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/s3/names.hpp"

namespace s3link::sqlite_store {

/// What one bucket may hold.
struct BucketQuota {
  std::string bucket = {};
  std::optional<std::uint64_t> max_bytes = std::nullopt;    ///< of its objects, and of the parts of unfinished uploads
  std::optional<std::uint64_t> max_objects = std::nullopt;  ///< without unfinished uploads

  bool limits(const s3::BucketName& name) const { return (max_bytes || max_objects) && name.text() == bucket; }
};

}  // namespace s3link::sqlite_store
