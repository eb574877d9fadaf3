#pragma once

#include <string_view>

#include "services/server/backend.hpp"
#include "services/server/exchange.hpp"

namespace s3link::server {

/// One function for each resource of ours that needs a signature: authenticates, performs, answers in JSON. The
/// references outlive the awaitable.

// deliveries_resource.cpp: /_/api/v1/deliveries
Awaitable<Status> perform_deliveries(Backend& backend, Exchange& exchange);

// objects_resource.cpp: /_/api/v1/objects
inline constexpr std::string_view kObjectsPath = "/_/api/v1/objects";
Awaitable<Status> perform_objects(Backend& backend, Exchange& exchange);

// dead_letters_resource.cpp: /_/api/v1/dead-letters and what is below
inline constexpr std::string_view kDeadLettersPath = "/_/api/v1/dead-letters";
inline constexpr std::string_view kDeadLetterPath = "/_/api/v1/dead-letters/ID";  ///< what one of them is told as
inline constexpr std::string_view kRedrivePath = "/_/api/v1/dead-letters/redrive";
inline constexpr std::string_view kDropPath = "/_/api/v1/dead-letters/drop";
Awaitable<Status> perform_dead_letters(Backend& backend, Exchange& exchange);

}  // namespace s3link::server
