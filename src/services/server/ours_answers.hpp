#pragma once

#include <boost/json.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/s3/fields.hpp"
#include "services/server/backend.hpp"
#include "services/server/exchange.hpp"

namespace s3link::server {

/// Pieces of answers that our own resources, below "/_/", share.

/// {"error":{"code":…,"message":…}}
std::string error_document(std::string_view code, std::string_view message);
/// The error as JSON. `exchange` must outlive the awaitable.
Awaitable<Status> refuse_json(Exchange& exchange, Error error);
boost::json::value instant_or_null(const std::optional<Instant>& when);

/// Checks the signature and takes the target apart; exchange.verified is set. Errors: those of the verifier.
Result<s3::Fields> authenticate_query(Backend& backend, Exchange& exchange);
/// A page's size. Errors: InvalidArgument (not 1 to 1000).
Result<std::size_t> parse_limit(std::string_view text);

}  // namespace s3link::server
