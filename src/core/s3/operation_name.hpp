#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/s3/operation.hpp"

namespace s3link::s3 {

/// What a request is about, for those who keep count of requests.
struct OperationSubject {
  std::string_view name;  ///< S3's: "PutObject", "HeadObject"
  std::string bucket;     ///< empty: none
  std::string key;        ///< empty: none
};

/// The names of all operations there are.
std::span<const std::string_view> operation_names() noexcept;

OperationSubject subject_of(const Operation& operation);

/// Whether it changes nothing. An operation that is not known to only read counts as one that writes.
bool only_reads(const Operation& operation) noexcept;

}  // namespace s3link::s3
