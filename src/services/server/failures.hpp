#pragma once

#include "services/server/backend.hpp"
#include "services/server/exchange.hpp"

namespace s3link::server {

/// Answers what went wrong: a page for the reader of a mail whose link did not open, S3's document for everybody else.
/// The status is the same. A reader is who gets an object without an Authorization field and whose Accept field
/// prefers HTML; S3's clients do not send such a thing.
Awaitable<Status> answer_failure(const Backend& backend, Exchange& exchange, Error error);

}  // namespace s3link::server
