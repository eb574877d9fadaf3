#pragma once

#include <string>
#include <vector>

#include "apps/s3link/api_client.hpp"
#include "ports/delivery_log.hpp"

namespace s3link::app {

/// What to ask /_/api/v1/deliveries for.
struct DeliveryQuery {
  ports::DeliveryFilter filter;
  std::string after = {};  ///< a list's `next`; empty: from the newest on
};

/// What it answers: the document as it came, its rows, and where it goes on.
struct DeliveryList {
  std::string json;
  std::vector<ports::DeliveryRow> rows;
  std::string next = {};  ///< empty: that was all
};

/// Errors: those of ApiClient::call; internal (the answer is not what it should be).
Awaitable<Result<DeliveryList>> list_deliveries(ApiClient& api, DeliveryQuery query);

/// Reads such an answer. Errors: internal.
Result<DeliveryList> parse_deliveries(std::string json);

}  // namespace s3link::app
