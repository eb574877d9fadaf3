#pragma once

#include <string>

#include "apps/s3link/configuration.hpp"

namespace s3link::app {

struct PresignOptions {
  ClientOptions client;
  std::string key;
  std::string expires;  ///< a duration; empty: link.expiration
  std::string method = "GET";
};

/// Prints a presigned URL, computed here: the server is not asked, and need not run. Returns the exit status.
int presign(const PresignOptions& options);

}  // namespace s3link::app
