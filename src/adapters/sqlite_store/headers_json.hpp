#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/s3/object_headers.hpp"

namespace s3link::sqlite_store {

/// The column `headers` of docs/formats/store.md; empty when nothing was given.
std::optional<std::string> headers_to_json(const s3::ObjectHeaders& headers);
/// What it does not know it ignores; empty headers for text that is not of that form.
s3::ObjectHeaders headers_from_json(std::string_view json);

}  // namespace s3link::sqlite_store
