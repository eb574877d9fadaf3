#include "apps/s3link/serve_readiness.hpp"

#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <utility>

#include "adapters/http_server/server.hpp"
#include "adapters/sqlite_store/store.hpp"
#include "services/pipeline/clock_guard.hpp"
#include "services/pipeline/relay_gate.hpp"
#include "services/pipeline/storage_watch.hpp"

namespace s3link::app {
namespace {

Awaitable<Status> not_stopping(const std::atomic<bool>& stopping) {
  if (stopping) co_return fail(ErrorKind::transient, "the server is stopping");
  co_return Status{};
}

Awaitable<Status> nothing_against() { co_return Status{}; }

/// Without the relay's words: whoever asks for readiness has no key.
std::string relay_document(const delivery::RelayStatus& status) {
  boost::json::object out{{"state", to_string(status.phase)}, {"since", iso8601(status.since)}};
  if (const auto why = delivery::trouble(status); !why.empty()) out["reason"] = why;
  if (status.next_probe) out["next_probe"] = iso8601(*status.next_probe);
  return boost::json::serialize(out);
}

/// Without the folder's name: as above.
std::string clock_document(const delivery::ClockStatus& status) {
  boost::json::object out{{"state", to_string(status.state)}};
  if (status.mail_waits) {
    out["waits"] = status.removal_waits ? "mails and removal" : "mails";
    out["seconds"] = off_by(status).count();
  } else if (status.removal_waits) {
    out["waits"] = "removal";
    out["seconds"] = std::chrono::ceil<std::chrono::seconds>(status.wall - status.removal).count();
    out["waits_seconds"] = std::chrono::ceil<std::chrono::seconds>(status.believed_in).count();
  }
  return boost::json::serialize(out);
}

/// What the API asks the store itself is no second reason.
Awaitable<Status> disk_works(sqlite_store::Store& store, const pipeline::StorageWatch& storage) {
  co_return store.buckets().writable() ? storage.state() : Status();
}

/// Of backups; "" where there is nothing to tell.
std::string backup_document(const sqlite_store::BackupStatus& status) {
  if (!status.running && status.broken_off.empty()) return {};
  boost::json::object out{{"state", status.stalled ? "stalled" : status.running ? "running" : "broken off"}};
  if (status.running) out["no_progress_for_s"] = status.quiet.count();
  if (!status.broken_off.empty()) out["last_broken_off"] = status.broken_off;
  return boost::json::serialize(out);
}

Awaitable<Status> all_work(const server::Liveness& liveness) { co_return liveness.state(); }

}  // namespace

pipeline::StorageSource storage_source(sqlite_store::Store& store) {
  return {.writable =
              [&store] {
                Status writable = store.buckets().writable();
                return writable ? store.room_for_bodies() : writable;
              },
          .probe = [&store](std::function<void(Status)> answered) { store.probe(std::move(answered)); }};
}

std::vector<server::ReadinessCheck> readiness_checks(const std::atomic<bool>& stopping, sqlite_store::Store& store,
                                                     const pipeline::StorageWatch& storage,
                                                     const server::Liveness& liveness, const pipeline::RelayGate& relay,
                                                     pipeline::ClockGuard& guard) {
  return {{"server", [&stopping] { return not_stopping(stopping); }},
          {"storage", [&store, &storage] { return disk_works(store, storage); }},
          {"outbox", [&store] { return store.outbox_room(); }},
          {"liveness", [&liveness] { return all_work(liveness); }},
          {"relay", nothing_against, [&relay] { return relay_document(relay.status()); }},
          {"clock", nothing_against, [&guard] { return clock_document(guard.status()); }},
          {"backup", nothing_against, [&store] { return backup_document(store.backup_status()); }}};
}

void add_parts(server::Liveness& liveness, http_server::Server& server, asio::io_context& pipeline,
               sqlite_store::Store& store) {
  using Answer = server::Liveness::Answer;
  liveness.add(
      {"http", [&server](Answer answer) { server.ask_threads([answer = std::move(answer)] { answer({}); }); }});
  liveness.add(
      {"pipeline", [&pipeline](Answer answer) { asio::post(pipeline, [answer = std::move(answer)] { answer({}); }); }});
  liveness.add({"store", [&store](Answer answer) { store.ask(std::move(answer)); }});
}

}  // namespace s3link::app
