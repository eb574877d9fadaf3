#include "apps/s3link/send.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>

#include "adapters/system/system_clock.hpp"
#include "adapters/system/system_random.hpp"
#include "apps/s3link/delivery_list.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/progress_bar.hpp"
#include "apps/s3link/send_plan.hpp"
#include "apps/s3link/session.hpp"
#include "apps/s3link/uploader.hpp"
#include "apps/s3link/wording.hpp"
#include "core/config/quantity.hpp"

namespace s3link::app {
namespace {

using namespace std::chrono_literals;

/// How long --wait waits for one file where --timeout does not say.
constexpr std::chrono::seconds kUsualWait = 15min;
constexpr std::chrono::seconds kLongestWait = std::chrono::days(7);

constexpr const char* kExamples =
    "Examples:\n"
    "  s3link send report.pdf                       upload; its link is mailed\n"
    "  s3link send --wait --timeout 2m report.pdf   and show the mail that resulted, or fail\n"
    "  s3link send --prefix 2026/ *.pdf             as 2026/NAME\n"
    "  s3link send --unique d1/a.txt d2/a.txt       each in a new folder, so that none replaces another\n"
    "  s3link send --recursive photos               every file below photos, as photos/…\n"
    "  tar c photos | s3link send - --key photos.tar\n"
    "\n"
    "A file takes the place of an object that has its key already, and the output says so.";

/// What is uploaded now; read by the clean-up when a signal breaks the upload off.
struct Current {
  std::optional<Uploader> uploader;
};

struct Sent {
  std::string file;
  UploadedObject object;
  bool replaced = false;  ///< there was one under that key
  std::vector<ports::DeliveryRow> deliveries;
};

/// What is said to the person at the terminal.
bool talks(const SendOptions& options) { return !options.json && !options.quiet; }

Awaitable<Result<std::vector<ports::DeliveryRow>>> wait_for_deliveries(Session& session, UploadedObject object,
                                                                       std::chrono::seconds longest) {
  const auto give_up = session.clock.steady_now() + longest;
  auto pause = 20ms;
  while (true) {
    ports::DeliveryFilter filter;
    filter.bucket = object.bucket;
    filter.key = object.key;
    filter.sequencer = object.sequencer;
    filter.limit = 1000;
    auto list = co_await list_deliveries(session.api, {.filter = std::move(filter)});
    if (!list) co_return std::unexpected(list.error());
    const bool pending = list->rows.empty() || std::ranges::any_of(list->rows, [](const ports::DeliveryRow& row) {
                           return row.state == "pending";
                         });
    if (!pending || session.clock.steady_now() > give_up) co_return std::move(list->rows);
    co_await session.clock.sleep_until(session.clock.now() + pause);
    pause = std::min<std::chrono::milliseconds>(pause * 2, 500ms);
  }
}

void print_delivery(const ports::DeliveryRow& row) {
  if (row.state == "delivered") {
    fmt::print("  mailed to {}, link valid until {}\n", printable(row.recipient),
               row.deadline ? instant_in_words(*row.deadline) : "?");
    fmt::print("    message id {}\n    {}\n", printable(row.message_id), printable(row.detail));
  } else if (row.state == "pending") {
    fmt::print("  not mailed yet after {}: {}\n", counted(row.attempts, "attempt"), printable(row.detail));
  } else if (row.state == "dropped") {
    fmt::print("  not mailed: {}\n", printable(row.detail));
  } else {
    fmt::print("  NOT mailed, given up after {}: {}\n", counted(row.attempts, "attempt"), printable(row.detail));
  }
}

boost::json::value to_json(const Sent& sent) {
  boost::json::array deliveries;
  for (const ports::DeliveryRow& row : sent.deliveries) {
    boost::json::object one{{"state", row.state}, {"detail", row.detail}, {"attempts", row.attempts}};
    if (!row.recipient.empty()) one["recipient"] = row.recipient;
    if (!row.message_id.empty()) one["message_id"] = row.message_id;
    if (row.when) one["when"] = iso8601(*row.when);
    if (row.deadline) one["deadline"] = iso8601(*row.deadline);
    deliveries.push_back(std::move(one));
  }
  return {{"file", sent.file},         {"bucket", sent.object.bucket},
          {"key", sent.object.key},    {"size_bytes", sent.object.size_bytes},
          {"etag", sent.object.etag},  {"sequencer", sent.object.sequencer},
          {"replaced", sent.replaced}, {"deliveries", std::move(deliveries)}};
}

/// Whether there is an object under the key already; a key that may not look learns of none.
Awaitable<Result<bool>> is_there(Session& session, std::string key) {
  const auto found = co_await session.api.call(
      {.method = "HEAD", .path = "/" + session.settings.bucket.name.text() + "/" + key}, true, kOnce);
  if (!found && found.error().kind == ErrorKind::transient) co_return std::unexpected(found.error());
  co_return found.has_value();
}

Awaitable<Result<Sent>> send_one(Session& session, const SendOptions& options, PlannedFile planned, Current& current,
                                 ProgressBar& bar) {
  const std::string& name = planned.name;
  auto file = name == "-" ? Result<InputFile>(InputFile::standard_input()) : InputFile::open(name);
  if (!file) co_return std::unexpected(file.error());
  if (const auto checked = s3::ObjectKey::parse(planned.key); !checked) {
    co_return fail(checked.error().kind, fmt::format("{}: not a key: {}", printable(name), checked.error().message));
  }
  const auto replaced = co_await is_there(session, planned.key);
  if (!replaced) co_return std::unexpected(replaced.error());
  bar.begin(planned.key, file->size().value_or(0));
  current.uploader.emplace(session.api, session.settings.bucket.name.text(),
                           [&bar](std::int64_t bytes) { bar.add(bytes); });
  auto object = co_await current.uploader->upload(*file, planned.key, content_type_of(planned.key));
  bar.clear();
  if (!object) {
    co_return std::unexpected(
        Error{object.error().kind, fmt::format("{}: {}", printable(name), object.error().message), {}});
  }
  Sent sent{name, std::move(*object), *replaced, {}};
  if (talks(options)) {
    fmt::print("{} -> s3://{}/{} ({}{})\n", printable(name), sent.object.bucket, printable(sent.object.key),
               size_in_words(sent.object.size_bytes), sent.replaced ? ", replaced the one before" : "");
    std::fflush(stdout);
  }
  if (options.wait) {
    const auto longest = options.timeout.empty() ? kUsualWait : config::parse_duration(options.timeout).value();
    auto deliveries = co_await wait_for_deliveries(session, sent.object, longest);
    if (!deliveries) co_return std::unexpected(deliveries.error());
    sent.deliveries = std::move(*deliveries);
    if (talks(options)) {
      for (const ports::DeliveryRow& row : sent.deliveries) print_delivery(row);
    }
  }
  co_return sent;
}

/// Why a file's mails are not all sent; empty where they are, or nobody waited.
std::string fault_of(const Sent& sent, const SendOptions& options) {
  if (!options.wait) return {};
  if (sent.deliveries.empty()) return "nothing is known of its mail yet";
  for (const ports::DeliveryRow& row : sent.deliveries) {
    if (row.state == "dead") return "not mailed, given up: " + row.detail;
    if (row.state == "pending") return "not mailed yet; s3link deliveries shows what becomes of it";
  }
  return {};
}

Awaitable<int> send_all(Session& session, const SendOptions& options, const SendPlan& plan, Current& current) {
  ProgressBar bar(talks(options));
  boost::json::array files;
  int status = kDone;
  for (const std::string& reason : plan.skipped) status = complain(kFailed, "not sent: " + reason);
  for (const PlannedFile& planned : plan.files) {
    const auto sent = co_await send_one(session, options, planned, current, bar);
    if (!sent) {
      status = complain(kFailed, sent.error().message);
      // What is wrong with one file says nothing of the next; a server that does not answer does.
      if (sent.error().kind == ErrorKind::transient) break;
      continue;
    }
    if (const std::string fault = fault_of(*sent, options); !fault.empty()) {
      status = kFailed;
      if (options.quiet) complain(kFailed, fmt::format("{}: {}", printable(sent->file), printable(fault)));
    }
    files.push_back(to_json(*sent));
  }
  if (options.json) fmt::print("{}\n", boost::json::serialize(boost::json::object{{"files", std::move(files)}}));
  co_return status;
}

Awaitable<int> abort_upload(Session& session, const Current& current) {
  if (current.uploader && current.uploader->open_upload()) {
    const Status aborted =
        co_await Uploader::abort(session.api, session.settings.bucket.name.text(), *current.uploader->open_upload());
    if (!aborted) complain(kInterrupted, "the interrupted upload could not be aborted: " + aborted.error().message);
  }
  co_return kInterrupted;
}

}  // namespace

void declare_send(CLI::App& app, SendOptions& options, std::function<int()>& chosen) {
  CLI::App* const command = app.add_subcommand("send", "Upload files; their links are mailed");
  add_client_options(*command, options.client);
  command->add_option("files", options.files, "Files to upload; - is standard input (with --key)")
      ->required()
      ->type_name("FILE");
  command->add_option("-k,--key", options.key, "Name of the object; default: the file's name")->type_name("KEY");
  command->add_option("-p,--prefix", options.prefix, "Put in front of every name as it is, like 2026/")
      ->type_name("PREFIX");
  command->add_flag("-u,--unique", options.unique,
                    "Put each into a new folder, DATE-16 random letters, so that it replaces nothing");
  command->add_flag("-r,--recursive", options.recursive, "Send folders with all files below them");
  CLI::Option* const wait =
      command->add_flag("-w,--wait", options.wait, "Wait until the mail is sent, and show it; fails when it is not");
  command->add_option("-t,--timeout", options.timeout, "The longest wait for one file's mail, 1s to 7d; default 15m")
      ->type_name("DURATION")
      ->needs(wait);
  CLI::Option* const quiet = command->add_flag("-q,--quiet", options.quiet, "Print errors only");
  command->add_flag("--json", options.json, "Print the outcome as JSON")->excludes(quiet);
  command->footer(kExamples);
  command->callback([&] { chosen = [&] { return send(options); }; });
}

int send(const SendOptions& options) {
  if (!options.timeout.empty()) {
    const auto parsed = config::parse_duration(options.timeout);
    if (!parsed) return complain(kWrongUse, fmt::format("--timeout: {}", parsed.error().message));
    if (*parsed < 1s || *parsed > kLongestWait) return complain(kWrongUse, "--timeout: outside 1s to 7d");
  }
  system::SystemRandom random;
  const auto plan = plan_send({.files = options.files,
                               .key = options.key,
                               .prefix = options.prefix,
                               .unique = options.unique,
                               .recursive = options.recursive},
                              random, system::SystemClock().now());
  if (!plan) {
    const bool wrong = plan.error().kind == ErrorKind::invalid_argument;
    return complain(wrong ? kWrongUse : kFailed, plan.error().message);
  }
  Current current;
  return run_session(
      options.client, [&](Session& session) { return send_all(session, options, *plan, current); },
      [&](Session& session) { return abort_upload(session, current); });
}

}  // namespace s3link::app
