#pragma once

#include <string>
#include <vector>

#include "apps/s3link/api_client.hpp"
#include "ports/delivery_log.hpp"

namespace s3link::app {

/// What /_/api/v1/deliveries answers: the document as it came, and its rows.
struct DeliveryList {
  std::string json;
  std::vector<ports::DeliveryRow> rows;
};

/// Errors: those of ApiClient::call; internal (the answer is not what it should be).
Awaitable<Result<DeliveryList>> list_deliveries(ApiClient& api, ports::DeliveryFilter filter);

/// Reads such an answer. Errors: internal.
Result<std::vector<ports::DeliveryRow>> parse_deliveries(std::string_view json);

}  // namespace s3link::app
