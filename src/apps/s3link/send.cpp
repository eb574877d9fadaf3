#include "apps/s3link/send.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "apps/s3link/delivery_list.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/progress_bar.hpp"
#include "apps/s3link/session.hpp"
#include "apps/s3link/uploader.hpp"
#include "apps/s3link/wording.hpp"

namespace s3link::app {
namespace {

using namespace std::chrono_literals;

/// The longest that --wait waits for one file: retries last minutes at most with usual settings.
constexpr auto kLongestWait = 15min;

/// What is uploaded now; read by the clean-up when a signal breaks the upload off.
struct Current {
  std::optional<Uploader> uploader;
};

struct Sent {
  std::string file;
  UploadedObject object;
  std::vector<ports::DeliveryRow> deliveries;
};

Awaitable<Result<std::vector<ports::DeliveryRow>>> wait_for_deliveries(Session& session, UploadedObject object) {
  const Instant give_up = session.clock.now() + kLongestWait;
  auto pause = 20ms;
  while (true) {
    auto list = co_await list_deliveries(
        session.api,
        {.state = {}, .bucket = object.bucket, .key = object.key, .sequencer = object.sequencer, .limit = 1000});
    if (!list) co_return std::unexpected(list.error());
    const bool pending = list->rows.empty() || std::ranges::any_of(list->rows, [](const ports::DeliveryRow& row) {
                           return row.state == "pending";
                         });
    if (!pending || session.clock.now() > give_up) co_return std::move(list->rows);
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
    fmt::print("  not mailed yet after {} attempts: {}\n", row.attempts, printable(row.detail));
  } else if (row.state == "dropped") {
    fmt::print("  not mailed: {}\n", printable(row.detail));
  } else {
    fmt::print("  NOT mailed, given up after {} attempts: {}\n", row.attempts, printable(row.detail));
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
  return {{"file", sent.file},
          {"bucket", sent.object.bucket},
          {"key", sent.object.key},
          {"size_bytes", sent.object.size_bytes},
          {"etag", sent.object.etag},
          {"sequencer", sent.object.sequencer},
          {"deliveries", std::move(deliveries)}};
}

Awaitable<Result<Sent>> send_one(Session& session, const SendOptions& options, std::string name, Current& current,
                                 ProgressBar& bar) {
  auto file = name == "-" ? Result<InputFile>(InputFile::standard_input()) : InputFile::open(name);
  if (!file) co_return std::unexpected(file.error());
  const std::string key = options.key.empty() ? std::filesystem::path(name).filename().string() : options.key;
  if (const auto checked = s3::ObjectKey::parse(key); !checked) {
    co_return fail(checked.error().kind, fmt::format("{}: not a key: {}", printable(name), checked.error().message));
  }
  bar.begin(key, file->size().value_or(0));
  current.uploader.emplace(session.api, session.settings.bucket.name.text(),
                           [&bar](std::int64_t bytes) { bar.add(bytes); });
  auto object = co_await current.uploader->upload(*file, key, content_type_of(key));
  bar.clear();
  if (!object) {
    co_return std::unexpected(
        Error{object.error().kind, fmt::format("{}: {}", printable(name), object.error().message), {}});
  }
  Sent sent{name, std::move(*object), {}};
  if (!options.json) {
    fmt::print("{} -> s3://{}/{} ({})\n", printable(name), sent.object.bucket, printable(sent.object.key),
               size_in_words(sent.object.size_bytes));
    std::fflush(stdout);
  }
  if (options.wait) {
    auto deliveries = co_await wait_for_deliveries(session, sent.object);
    if (!deliveries) co_return std::unexpected(deliveries.error());
    sent.deliveries = std::move(*deliveries);
    if (!options.json) {
      for (const ports::DeliveryRow& row : sent.deliveries) print_delivery(row);
    }
  }
  co_return sent;
}

Awaitable<int> send_all(Session& session, const SendOptions& options, Current& current) {
  ProgressBar bar(!options.json);
  boost::json::array files;
  int status = kDone;
  for (const std::string& name : options.files) {
    const auto sent = co_await send_one(session, options, name, current, bar);
    if (!sent) {
      status = complain(kFailed, sent.error().message);
      // What is wrong with one file says nothing of the next; a server that does not answer does.
      if (sent.error().kind == ErrorKind::transient) break;
      continue;
    }
    const bool undelivered = std::ranges::any_of(
        sent->deliveries, [](const ports::DeliveryRow& row) { return row.state == "dead" || row.state == "pending"; });
    if (undelivered) status = kFailed;
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

int send(const SendOptions& options) {
  if (!options.key.empty() && options.files.size() > 1)
    return complain(kWrongUse, "--key names one object; send one file with it");
  for (const std::string& name : options.files) {
    if (name == "-" && options.key.empty())
      return complain(kWrongUse, "standard input has no name; give it one with --key");
  }
  Current current;
  return run_session(
      options.config, [&](Session& session) { return send_all(session, options, current); },
      [&](Session& session) { return abort_upload(session, current); });
}

}  // namespace s3link::app
