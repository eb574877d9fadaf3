#include "apps/s3link/deliveries.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "apps/s3link/delivery_list.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/session.hpp"
#include "apps/s3link/wording.hpp"

namespace s3link::app {
namespace {

std::string_view label_of_when(const ports::DeliveryRow& row) {
  if (row.state == "delivered") return "sent";
  if (row.state == "pending") return "next attempt";
  return row.state == "dropped" ? "dropped" : "given up";
}

void print_row(const ports::DeliveryRow& row) {
  fmt::print("{:<9}  {}  {}\n", printable(row.state), instant_in_words(row.created), printable(row.key));
  const auto line = [](std::string_view name, std::string_view value) {
    if (!value.empty()) fmt::print("           {:<13} {}\n", name, printable(value));
  };
  line("to", row.recipient);
  if (row.when) line(label_of_when(row), instant_in_words(*row.when));
  if (row.deadline) line("link until", instant_in_words(*row.deadline));
  line("message id", row.message_id);
  if (row.attempts > 0) line("failed", fmt::format("{} attempt{}", row.attempts, row.attempts == 1 ? "" : "s"));
  line(row.state == "delivered" ? "answer" : "reason", row.detail);
  line("trace", row.trace);
}

Awaitable<int> show(Session& session, const DeliveriesOptions& options) {
  const auto list = co_await list_deliveries(
      session.api, {.state = options.state, .bucket = {}, .key = {}, .sequencer = {}, .limit = options.limit});
  if (!list) co_return complain(kFailed, list.error().message);
  if (options.json) {
    fmt::print("{}\n", list->json);
  } else {
    for (const ports::DeliveryRow& row : list->rows) print_row(row);
    if (list->rows.empty()) complain(kDone, "no deliveries");
  }
  co_return kDone;
}

}  // namespace

int show_deliveries(const DeliveriesOptions& options) {
  return run_session(options.client, [&](Session& session) { return show(session, options); });
}

}  // namespace s3link::app
