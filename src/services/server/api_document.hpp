#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "ports/awaitable.hpp"
#include "ports/http_handler.hpp"

namespace s3link::server {

/// One of our own documents: answers a GET of its path that is signed as for the S3 API, or that it admits.
/// Thread safety: any number of reads at a time, from several threads. Must outlive the API.
class ApiDocument {
 public:
  virtual ~ApiDocument() = default;

  /// "/_/api/v1/…", constant.
  virtual std::string_view path() const noexcept = 0;
  /// Whether the request needs no signature.
  virtual bool admits(const ports::HttpRequestHead& request) const noexcept {
    (void)request;
    return false;
  }
  virtual std::string_view content_type() const noexcept { return "application/json"; }
  /// The document as it is now. Errors: as S3's (core/s3/error_code.hpp), or the store's.
  virtual Awaitable<Result<std::string>> read() = 0;
};

}  // namespace s3link::server
