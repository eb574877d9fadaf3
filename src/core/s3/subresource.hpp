#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/result.hpp"
#include "core/s3/operation.hpp"

namespace s3link::s3 {

/// Query parameters that select another operation than the plain one of method and resource.
enum class Subresource {
  none,
  acl,
  attributes,
  bucket_configuration,  ///< answered by GetBucketConfiguration
  del,
  lifecycle,
  location,
  not_offered,
  tagging,
  upload_id,
  uploads,
  versions,
};

struct SubresourceMatch {
  Subresource kind = Subresource::none;
  std::string_view noun;  ///< "BucketPolicy": with the method's verb the operation's name
  std::variant<BucketDocument, ErrorCode> answer = BucketDocument::versioning;  ///< bucket_configuration only
};

/// The sub-resource a query names. Errors: InvalidArgument (two that exclude each other).
Result<SubresourceMatch> find_subresource(const Fields& query, bool of_object);

}  // namespace s3link::s3
