#pragma once

#include <functional>
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
};

}  // namespace s3link::server
