#include "apps/s3link/deliveries.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "adapters/system/system_clock.hpp"
#include "apps/s3link/delivery_list.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/session.hpp"
#include "apps/s3link/wording.hpp"
#include "core/config/mail_address.hpp"
#include "core/config/quantity.hpp"

namespace s3link::app {
namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  s3link deliveries --state pending            what waits, with the relay's last words\n"
    "  s3link deliveries --recipient ann@example.org --since 1d\n"
    "  s3link deliveries --key report.pdf --json    the same for programs";

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
  if (row.attempts > 0) line("failed", counted(row.attempts, "attempt"));
  line(row.state == "delivered" ? "answer" : "reason", row.detail);
  line("trace", row.trace);
}

/// "2026-12-08T14:00:00Z", "2026-12-08", or a duration: that long before now.
std::optional<Instant> parse_when(const std::string& text, Instant now) {
  if (const auto ago = config::parse_duration(text)) return now - *ago;
  return parse_iso8601(text.size() == 10 ? text + "T00:00:00Z" : text);
}

Awaitable<int> show(Session& session, const DeliveriesOptions& options, ports::DeliveryFilter filter) {
  const auto list = co_await list_deliveries(session.api, {.filter = std::move(filter), .after = options.after});
  if (!list) co_return complain(kFailed, list.error().message);
  if (options.json) {
    fmt::print("{}\n", list->json);
    co_return kDone;
  }
  for (const ports::DeliveryRow& row : list->rows) print_row(row);
  if (list->rows.empty()) co_return complain(kDone, "no deliveries");
  if (!list->next.empty()) {
    complain(kDone, fmt::format("{} shown; there are more: --after '{}' goes on, --limit N shows up to 1000",
                                list->rows.size(), printable(list->next)));
  }
  co_return kDone;
}

}  // namespace

void declare_deliveries(CLI::App& app, DeliveriesOptions& options, std::function<int()>& chosen) {
  CLI::App* const command = app.add_subcommand("deliveries", "Show what was mailed, to whom, when, and what was not");
  add_client_options(*command, options.client);
  command->add_option("-s,--state", options.state, "Only these: pending, delivered, dead, dropped")
      ->type_name("STATE")
      ->check(CLI::IsMember({"pending", "delivered", "dead", "dropped"}));
  command->add_option("-k,--key", options.key, "Only of this object")->type_name("KEY");
  command->add_option("-r,--recipient", options.recipient, "Only mails to this address that were sent or given up")
      ->type_name("ADDRESS");
  command->add_option("--since", options.since, "Uploaded then or later: 2026-12-08, 2026-12-08T14:00:00Z, or 2h ago")
      ->type_name("TIME");
  command->add_option("--until", options.until, "Uploaded before")->type_name("TIME");
  command->add_option("-n,--limit", options.limit, "How many, newest first; default 100, at most 1000")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  command->add_option("--after", options.after, "Go on where the list before was cut")->type_name("NEXT");
  command->add_flag("--json", options.json, "Print the list as JSON");
  command->footer(kExamples);
  command->callback([&] { chosen = [&] { return show_deliveries(options); }; });
}

int show_deliveries(const DeliveriesOptions& options) {
  ports::DeliveryFilter filter;
  filter.state = options.state;
  filter.key = options.key;
  const auto address = config::parse_mail_address(options.recipient);
  filter.recipient = address ? address->text() : options.recipient;
  filter.limit = options.limit;
  const Instant now = system::SystemClock().now();
  const auto read = [&](const char* name, const std::string& text, std::optional<Instant>& target) {
    if (text.empty()) return true;
    target = parse_when(text, now);
    if (!target) complain(kWrongUse, fmt::format("{}: not a time like 2026-12-08, 2026-12-08T14:00:00Z or 2h", name));
    return target.has_value();
  };
  if (!read("--since", options.since, filter.since) || !read("--until", options.until, filter.until)) return kWrongUse;
  return run_session(options.client, [&](Session& session) { return show(session, options, filter); });
}

}  // namespace s3link::app
