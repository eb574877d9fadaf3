#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::server {

/// One thing that must be so for the server to take requests: asked by each GET of /_/readyz, from any thread, any
/// number at a time.
struct ReadinessCheck {
  std::string_view part;  ///< constant; names it in the answer: "outbox"
  /// The error's message says why not, for people who have no key: no secret, no name of an object.
  std::function<Awaitable<Status>()> run;
  /// What more there is to tell while all is ready, as a JSON value, to the same people; "": nothing. May be empty.
  std::function<std::string()> detail = {};
};

}  // namespace s3link::server
