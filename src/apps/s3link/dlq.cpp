#include "apps/s3link/dlq.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <optional>
#include <utility>

#include "apps/s3link/dead_letter_page.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/piece.hpp"
#include "apps/s3link/session.hpp"
#include "apps/s3link/wording.hpp"

namespace s3link::app {
namespace {

namespace json = boost::json;

constexpr const char* kPath = "/_/api/v1/dead-letters";
/// As many as the server takes by name in one request.
constexpr std::size_t kIdsAtATime = 1000;

constexpr const char* kExamples =
    "Examples:\n"
    "  s3link dlq list                     what could not be mailed, and why\n"
    "  s3link dlq list --reason denied     only what the relay refused for good\n"
    "  s3link dlq show 17                  one, with every attempt and its event\n"
    "  s3link dlq redrive --all            try all again, once the cause is repaired\n"
    "  s3link dlq drop 17 18               give two up for good\n"
    "\n"
    "A dead letter is kept for 14 days after its last attempt.";

/// What the two commands that change something differ in.
struct Change {
  const char* action;  ///< the last part of the path
  const char* done;    ///< the answer's member, and the word for people
};
constexpr Change kRedrive{"redrive", "redriven"};
constexpr Change kDrop{"drop", "dropped"};

/// What a mail can be given up for, besides what the queue of a newer server holds.
constexpr std::array<std::string_view, 11> kReasons{"transient",   "denied",         "relay_unavailable", "relay_login",
                                                    "unconfirmed", "unlinkable_key", "invalid_argument",  "not_found",
                                                    "conflict",    "corrupt",        "internal"};

/// Empty: there may be dead letters for that reason. Else what is wrong with it.
Awaitable<Result<std::string>> fault_of_reason(Session& session, std::string reason) {
  if (reason.empty() || std::ranges::find(kReasons, reason) != kReasons.end()) co_return std::string();
  const auto response = co_await session.api.call({.path = kPath, .query = {{"limit", "1"}}}, true, 3);
  if (!response) co_return std::unexpected(response.error());
  const auto found = parse_dead_letter_list(response->body);
  if (!found) co_return std::unexpected(found.error());
  std::vector<std::string> known(kReasons.begin(), kReasons.end());
  for (const auto& there : found->reasons) {
    if (there.kind == reason) co_return std::string();
    if (std::ranges::find(known, there.kind) == known.end()) known.push_back(printable(there.kind));
  }
  co_return fmt::format("--reason: there is no reason {}; there are {}", printable(reason), fmt::join(known, ", "));
}

/// Empty: go on. Else the exit status.
Awaitable<std::optional<int>> refuse_reason(Session& session, std::string reason) {
  const auto fault = co_await fault_of_reason(session, std::move(reason));
  if (!fault) co_return complain(kFailed, fault.error().message);
  if (!fault->empty()) co_return complain(kWrongUse, *fault);
  co_return std::nullopt;
}

Awaitable<int> list(Session& session, const DlqOptions& options) {
  if (const auto refused = co_await refuse_reason(session, options.reason)) co_return *refused;
  ApiRequest request{.path = kPath, .query = {{"limit", std::to_string(options.limit)}}};
  if (!options.reason.empty()) request.query.emplace_back("reason", options.reason);
  const auto response = co_await session.api.call(std::move(request), true, 3);
  if (!response) co_return complain(kFailed, response.error().message);
  if (options.json) {
    fmt::print("{}\n", response->body);
    co_return kDone;
  }
  const auto found = parse_dead_letter_list(response->body);
  if (!found) co_return complain(kFailed, found.error().message);
  for (const auto& letter : found->letters) fmt::print("{}", dead_letter_in_words(letter));
  fmt::print("{}", summary_in_words(*found, !options.reason.empty()));
  co_return kDone;
}

Awaitable<int> show(Session& session, const DlqOptions& options) {
  const auto response = co_await session.api.call({.path = fmt::format("{}/{}", kPath, options.ids.front())}, true, 3);
  if (!response) co_return complain(kFailed, response.error().message);
  if (options.json) {
    fmt::print("{}\n", response->body);
    co_return kDone;
  }
  const auto letter = parse_dead_letter(response->body);
  if (!letter) co_return complain(kFailed, letter.error().message);
  fmt::print("{}", whole_dead_letter_in_words(*letter));
  co_return kDone;
}

Awaitable<Result<DeadLetterChange>> post(Session& session, Change change, json::object selection, unsigned attempts) {
  const std::string body = json::serialize(selection);
  const auto bytes = std::as_bytes(std::span(body));
  Piece piece = memory_piece({bytes.begin(), bytes.end()}, [](std::int64_t) {});
  const auto response = co_await session.api.call({.method = "POST",
                                                   .path = fmt::format("{}/{}", kPath, change.action),
                                                   .fields = {{"Content-Type", "application/json"}},
                                                   .body = piece.open,
                                                   .body_length = piece.size_bytes,
                                                   .body_sha256 = piece.sha256},
                                                  false, attempts);
  if (!response) co_return std::unexpected(response.error());
  co_return parse_dead_letter_change(response->body, change.done);
}

/// The requests that together are about what was asked for; the next one depends on the answer to the last.
class Selections {
 public:
  explicit Selections(const DlqOptions& options) : options_(options) {}

  json::object first() {
    if (!options_.ids.empty()) return some_ids();
    if (options_.all) return {{"all", true}};
    return {{"reason", options_.reason}};
  }
  /// Empty: that was the last.
  std::optional<json::object> after(const DeadLetterChange& change) {
    if (!options_.ids.empty()) return taken_ < options_.ids.size() ? std::optional(some_ids()) : std::nullopt;
    if (!change.next) return std::nullopt;
    json::object next = first();
    next.emplace("after", *change.next);
    return next;
  }

 private:
  json::object some_ids() {
    const std::size_t count = std::min(kIdsAtATime, options_.ids.size() - taken_);
    json::array ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(options_.ids[taken_ + i]);
    taken_ += count;
    return {{"ids", std::move(ids)}};
  }

  const DlqOptions& options_;
  std::size_t taken_ = 0;
};

Awaitable<int> change_all(Session& session, const DlqOptions& options, Change change) {
  if (const auto refused = co_await refuse_reason(session, options.reason)) co_return *refused;
  Selections selections(options);
  std::size_t done = 0;
  int status = kDone;
  unsigned attempts = kOnce;
  for (std::optional<json::object> next = selections.first(); next;) {
    const auto outcome = co_await post(session, change, std::move(*next), std::exchange(attempts, kPatient));
    if (!outcome) {
      if (done > 0) fmt::print("{} {}\n", change.done, done);
      co_return complain(kFailed, outcome.error().message);
    }
    done += outcome->done;
    for (const auto& refusal : outcome->refused) {
      status = complain(kFailed, fmt::format("{} not {}: {} ({})", refusal.id, change.done, printable(refusal.message),
                                             printable(refusal.reason)));
    }
    next = selections.after(*outcome);
  }
  if (done == 0 && status == kDone) co_return complain(kDone, "no dead letters");
  fmt::print("{} {}\n", change.done, done);
  co_return status;
}

int change_dead_letters(const DlqOptions& options, Change change) {
  const int ways = (options.ids.empty() ? 0 : 1) + (options.all ? 1 : 0) + (options.reason.empty() ? 0 : 1);
  if (ways != 1) return complain(kWrongUse, fmt::format("dlq {}: name ids, or --all, or --reason", change.action));
  return run_session(options.client, [&](Session& session) { return change_all(session, options, change); });
}

void declare_change(CLI::App& dlq, DlqOptions& options, std::function<int()>& chosen, Change change, const char* help,
                    int (*run)(const DlqOptions&)) {
  CLI::App* const command = dlq.add_subcommand(change.action, help);
  add_client_options(*command, options.client);
  command->add_option("ids", options.ids, "The dead letters, by the ids that list shows")
      ->type_name("ID")
      ->check(CLI::PositiveNumber);
  command->add_flag("-a,--all", options.all, "All there are");
  command->add_option("-r,--reason", options.reason, "All that were given up for this reason")->type_name("REASON");
  command->footer(kExamples);
  command->callback([&options, &chosen, run] { chosen = [&options, run] { return run(options); }; });
}

}  // namespace

void declare_dlq(CLI::App& app, DlqOptions& options, std::function<int()>& chosen) {
  CLI::App* const dlq = app.add_subcommand("dlq", "Show dead letters, try them again, or give them up");
  dlq->require_subcommand(1);
  dlq->footer(kExamples);

  CLI::App* const list = dlq->add_subcommand("list", "List what could not be mailed, newest first");
  add_client_options(*list, options.client);
  list->add_option("-r,--reason", options.reason, "Only those given up for this reason")->type_name("REASON");
  list->add_option("-n,--limit", options.limit, "How many; default 100, at most 1000")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  list->add_flag("--json", options.json, "Print the list as JSON");
  list->footer(kExamples);
  list->callback([&] { chosen = [&] { return list_dead_letters(options); }; });

  CLI::App* const show = dlq->add_subcommand("show", "Show one with its attempts and its event");
  add_client_options(*show, options.client);
  show->add_option("id", options.ids, "The dead letter, by the id that list shows")
      ->required()
      ->expected(1)
      ->type_name("ID")
      ->check(CLI::PositiveNumber);
  show->add_flag("--json", options.json, "Print it as JSON");
  show->footer(kExamples);
  show->callback([&] { chosen = [&] { return show_dead_letter(options); }; });

  declare_change(*dlq, options, chosen, kRedrive, "Put them back, to be tried at once", &redrive_dead_letters);
  declare_change(*dlq, options, chosen, kDrop, "Give them up for good", &drop_dead_letters);
}

int list_dead_letters(const DlqOptions& options) {
  return run_session(options.client, [&](Session& session) { return list(session, options); });
}

int show_dead_letter(const DlqOptions& options) {
  return run_session(options.client, [&](Session& session) { return show(session, options); });
}

int redrive_dead_letters(const DlqOptions& options) { return change_dead_letters(options, kRedrive); }

int drop_dead_letters(const DlqOptions& options) { return change_dead_letters(options, kDrop); }

}  // namespace s3link::app
