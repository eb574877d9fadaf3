#pragma once

#include <string>
#include <utility>

#include "core/base/secret.hpp"

namespace s3link::sigv4 {

/// One key pair; with a session token when it is a temporary one.
struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  ///< empty: none

  Credentials clone() const { return {access_key_id, secret_access_key.clone(), session_token.clone()}; }
};

}  // namespace s3link::sigv4
