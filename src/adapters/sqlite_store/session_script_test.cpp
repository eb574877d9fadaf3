#include <utility>

#include "adapters/sqlite_store/scripted_session_test.hpp"
#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::size_t kSmall = 100;
constexpr std::size_t kHuge = 300'000;  // a file of two writes
constexpr std::uint64_t kNoLimit = 1'000'000'000;
constexpr const char* kRecipient = "ada@example.org";

Instant far_away() { return script_start() + hours(24 * 365); }

Status put_now(Store& store, const std::string& key, const std::string& trace, const std::string& content,
               std::optional<Instant> removed_at) {
  ports::PutObject request = put_request(key);
  request.modified = script_start();
  request.removed_at = removed_at;
  request.event = ports::EventOrigin{.event_name = "ObjectCreated:Put",
                                     .region = "r",
                                     .principal = "p",
                                     .source_ip = "::1",
                                     .request_id = trace,
                                     .trace = trace};
  const auto info = run_sync(put(store.buckets(), std::move(request), content));
  if (!info) return std::unexpected(info.error());
  return {};
}

}  // namespace

Step put_step(std::string key, std::string trace, std::string content, std::optional<Instant> removed_at) {
  const auto change = [key, trace, summary = summary_of(content)](Model& model) {
    model.objects[key] = summary;
    model.events[trace] = {"pending 0"};
  };
  return {.name = "put " + key,
          .run = [=](Store& store) { return put_now(store, key, trace, content, removed_at); },
          .change = change};
}

namespace {

Step copy_step(std::string from, std::string to, std::string trace) {
  const auto run = [=](Store& store) -> Status {
    auto content = run_sync(get(store.buckets(), from));
    if (!content) return std::unexpected(content.error());
    return put_now(store, to, trace, std::move(*content), std::nullopt);
  };
  return {.name = "copy " + from, .run = run, .change = [=](Model& model) {
            model.objects[to] = model.objects[from];
            model.events[trace] = {"pending 0"};
          }};
}

Step delete_step(std::string key) {
  return {.name = "delete " + key,
          .run = [key](Store& store) -> Status {
            const auto done = run_sync(store.buckets().delete_objects(bucket_name(), {object_key(key)}));
            if (!done) return std::unexpected(done.error());
            return {};
          },
          .change = [key](Model& model) { model.objects.erase(key); }};
}

Step create_upload_step(std::string key, std::string id) {
  return {.name = "create upload " + key,
          .run = [=](Store& store) -> Status {
            const auto made = run_sync(store.buckets().create_upload(bucket_name(), {.upload_id = id,
                                                                                     .key = object_key(key),
                                                                                     .initiated = script_start(),
                                                                                     .headers = {},
                                                                                     .checksum_algorithm = {}}));
            if (!made) return std::unexpected(made.error());
            return {};
          },
          .change = [key](Model& model) { model.uploads[key]; }};
}

Step part_step(std::string key, std::string id, unsigned number, std::string content) {
  const auto run = [=](Store& store) -> Status {
    auto body = run_sync(write_body(store.buckets(), content));
    if (!body) return std::unexpected(body.error());
    const auto part = run_sync(store.buckets().put_part(bucket_name(), object_key(key), id, number, std::nullopt,
                                                        script_start(), std::move(*body)));
    if (!part) return std::unexpected(part.error());
    return {};
  };
  return {.name = "part of " + key, .run = run, .change = [=, summary = summary_of(content)](Model& model) {
            model.uploads[key][number] = summary;
          }};
}

/// Of the first part alone: a part that is not the last one would have to be 5 MiB long.
Step complete_step(std::string key, std::string id, std::string trace, std::string content) {
  const auto run = [=](Store& store) -> Status {
    ports::CompleteUpload request{.bucket = bucket_name(),
                                  .key = object_key(key),
                                  .upload_id = id,
                                  .parts = {{.number = 1, .etag = hex_encode(md5(content)), .checksum = {}}},
                                  .checksum = {},
                                  .modified = script_start(),
                                  .removed_at = {},
                                  .event = ports::EventOrigin{.event_name = "ObjectCreated:CompleteMultipartUpload",
                                                              .region = "r",
                                                              .principal = "p",
                                                              .source_ip = "::1",
                                                              .request_id = trace,
                                                              .trace = trace},
                                  .condition = {}};
    const auto done = run_sync(store.buckets().complete_upload(std::move(request)));
    if (!done) return std::unexpected(done.error());
    return {};
  };
  return {.name = "complete " + key, .run = run, .change = [=, summary = summary_of(content)](Model& model) {
            model.uploads.erase(key);
            model.objects[key] = summary;
            model.events[trace] = {"pending 0"};
          }};
}

Step abort_step(std::string key, std::string id) {
  return {
      .name = "abort " + key,
      .run = [=](Store& store) { return run_sync(store.buckets().abort_upload(bucket_name(), object_key(key), id)); },
      .change = [key](Model& model) { model.uploads.erase(key); }};
}

Result<ports::DeliveryRow> find_event(Store& store, const std::string& trace, const std::string& state) {
  auto rows =
      run_sync(store.deliveries().list({.state = state, .bucket = {}, .key = {}, .sequencer = {}, .limit = 1000}));
  if (!rows) return std::unexpected(rows.error());
  for (auto& row : *rows) {
    if (row.trace == trace) return std::move(row);
  }
  return fail(ErrorKind::not_found, "no event " + trace + " is " + state);
}

Step event_step(std::string name, std::string trace, std::string state,
                std::function<Status(Store&, const ports::DeliveryRow&)> work,
                std::function<void(std::multiset<std::string>&)> change) {
  const auto run = [=](Store& store) -> Status {
    const auto row = find_event(store, trace, state);
    if (!row) return std::unexpected(row.error());
    return work(store, *row);
  };
  return {.name = name + " " + trace, .run = run, .change = [=](Model& model) { change(model.events[trace]); }};
}

Step claim_step(std::size_t count) {
  return {.name = "claim",
          .run = [count](Store& store) -> Status {
            const auto taken = run_sync(store.outbox().take_due(
                far_away(), {.total = count, .retried = count, .retried_first = true}, far_away() + hours(1)));
            if (!taken) return std::unexpected(taken.error());
            return {};
          },
          .change = [](Model&) {}};
}

Step record_step(const std::string& trace) {
  return event_step(
      "record", trace, "pending",
      [](Store& store, const ports::DeliveryRow& row) {
        return run_sync(store.ledger().record_sent(
            {.key = {.bucket = row.bucket, .key = row.key, .sequencer = row.sequencer, .recipient = kRecipient},
             .message_id = "<" + row.trace + "@example.org>",
             .sent = script_start(),
             .deadline = far_away(),
             .reply = "250 ok"}));
      },
      [](auto& states) { states.insert("delivered 0"); });
}

Step delivered_step(const std::string& trace) {
  return event_step(
      "delivered", trace, "pending",
      [](Store& store, const ports::DeliveryRow& row) -> Status {
        // Only what was recorded as sent leaves the outbox as delivered.
        const auto sent = run_sync(store.ledger().contains(
            {.bucket = row.bucket, .key = row.key, .sequencer = row.sequencer, .recipient = kRecipient}));
        if (!sent) return std::unexpected(sent.error());
        if (!*sent) return fail(ErrorKind::not_found, "not recorded");
        return run_sync(store.outbox().mark_delivered(row.event_id));
      },
      [](auto& states) { states = {"delivered 0"}; });
}

ports::FailureReason reason(std::string kind) { return {.kind = std::move(kind), .message = "as the script says"}; }

Step reschedule_step(const std::string& trace) {
  return event_step(
      "reschedule", trace, "pending",
      [](Store& store, const ports::DeliveryRow& row) {
        return run_sync(store.outbox().reschedule(row.event_id, script_start(), script_start(), reason("transient")));
      },
      [](auto& states) { states = {"pending 1"}; });
}

Step give_up_step(const std::string& trace, std::string then) {
  return event_step(
      "give up", trace, "pending",
      [](Store& store, const ports::DeliveryRow& row) {
        return run_sync(store.outbox().give_up(row.event_id, script_start(), reason("denied")));
      },
      [then = std::move(then)](auto& states) { states = {then}; });
}

Status moved_one(const Result<std::vector<std::int64_t>>& moved) {
  if (!moved) return std::unexpected(moved.error());
  if (moved->size() != 1) return fail(ErrorKind::not_found, "the dead letter was not there");
  return {};
}

Step redrive_step(const std::string& trace) {
  return event_step(
      "redrive", trace, "dead",
      [](Store& store, const ports::DeliveryRow& row) {
        return moved_one(run_sync(store.dead_letters().redrive({row.event_id}, script_start())));
      },
      [](auto& states) { states = {"pending 0"}; });
}

Step drop_dead_step(const std::string& trace) {
  return event_step(
      "drop dead", trace, "dead",
      [](Store& store, const ports::DeliveryRow& row) {
        return moved_one(run_sync(store.dead_letters().drop({row.event_id}, script_start(), reason("by_operator"))));
      },
      [](auto& states) { states = {"dropped 1"}; });
}

Step drop_step(const std::string& trace) {
  return event_step(
      "drop", trace, "pending",
      [](Store& store, const ports::DeliveryRow& row) {
        return run_sync(store.outbox().drop(row.event_id, script_start(), reason("object_gone")));
      },
      [](auto& states) { states = {"dropped 0"}; });
}

Step append_step(std::string lines) {
  return {.name = "append to the access log",
          .run =
              [=](Store& store) {
                return run_sync(store.access_log_journal().append({.text = lines, .count = 1}, script_start()));
              },
          .change = [=](Model& model) { model.journal += lines; }};
}

Step publish_step(std::string key) {
  const auto run = [=](Store& store) -> Status {
    const auto done = run_sync(
        store.access_log_journal().publish({.bucket = bucket_name(), .key = object_key(key), .removed_at = far_away()},
                                           script_start(), kNoLimit, kNoLimit));
    if (!done) return std::unexpected(done.error());
    return {};
  };
  return {.name = "publish " + key, .run = run, .change = [=](Model& model) {
            if (model.journal.empty()) return;
            model.objects[key] = summary_of(model.journal);
            model.journal.clear();
          }};
}

Step alarm_step() {
  const delivery::AlarmMemory memory{.state = delivery::AlarmState::alarm,
                                     .since = script_start(),
                                     .told = delivery::AlarmState::alarm,
                                     .told_since = script_start(),
                                     .alarm_told = script_start(),
                                     .ok_told = {},
                                     .changes = 0};
  const alarm::Notification notification{.id = 0,
                                         .alarm = alarm::AlarmName::dead_letters,
                                         .message = delivery::AlarmMessage::alarm,
                                         .made = script_start(),
                                         .since = script_start(),
                                         .alarm_since = {},
                                         .value = 1,
                                         .threshold = 0,
                                         .changes = 1,
                                         .reasons = {}};
  return {.name = "alarm",
          .run =
              [=](Store& store) {
                return run_sync(store.alarms().save_and_notify(alarm::AlarmName::dead_letters, memory, notification,
                                                               {kSubscriber}));
              },
          .change = [](Model& model) { model.alarm = "ALARM, admin not told"; }};
}

Step tell_step() {
  const auto run = [](Store& store) -> Status {
    const auto next = run_sync(store.alarms().next_for(kSubscriber));
    if (!next) return std::unexpected(next.error());
    if (!*next) return fail(ErrorKind::not_found, "nothing to tell");
    return run_sync(store.alarms().mark_told(kSubscriber, (*next)->notification.id, script_start()));
  };
  return {.name = "tell", .run = run, .change = [](Model& model) { model.alarm = "ALARM"; }};
}

Step sweep_step() {
  return {.name = "sweep",
          .run = [](Store& store) -> Status {
            const auto removed = run_sync(store.buckets().remove_expired(script_end(), 100));
            if (!removed) return std::unexpected(removed.error());
            return {};
          },
          .change = [](Model&) {}};
}

Step bucket_step() {
  return {.name = "create the bucket",
          .run = [](Store& store) { return run_sync(store.buckets().create_bucket(bucket_name(), script_start())); },
          .change = [](Model&) {}};
}

ScriptLine line(Step step) { return {.turn = Turn::step, .steps = {std::move(step)}}; }

/// Several writers at a time share commits.
ScriptLine burst() {
  ScriptLine together{.turn = Turn::step, .steps = {}};
  for (unsigned i = 0; i < 6; ++i) {
    const std::string number = std::to_string(i);
    together.steps.push_back(
        put_step("burst" + number, "burst-" + number, pattern(i % 2 == 0 ? kSmall : kLarge, 50 + i)));
  }
  return together;
}

}  // namespace

Instant script_start() { return at_second(1'700'000'000); }
Instant script_end() { return script_start() + hours(2); }

std::vector<ScriptLine> script() {
  const Instant expiry = script_start() + hours(1);
  std::vector<ScriptLine> lines;
  const auto add = [&](Step step) { lines.push_back(line(std::move(step))); };
  add(bucket_step());
  add(put_step("small", "t-small", pattern(kSmall, 1)));
  add(put_step("large", "t-large", pattern(kLarge, 2)));
  add(put_step("huge", "t-huge", pattern(kHuge, 3)));
  add(claim_step(2));
  add(record_step("t-small"));
  add(delivered_step("t-small"));
  add(put_step("large", "t-large-2", pattern(kLarge, 4)));
  add(reschedule_step("t-large"));
  add(give_up_step("t-large", "dead 2"));
  add(alarm_step());
  add(copy_step("huge", "copy", "t-copy"));
  add(create_upload_step("multi", "upload-1"));
  add(part_step("multi", "upload-1", 1, pattern(kLarge, 5)));
  add(part_step("multi", "upload-1", 2, pattern(kLarge, 6)));
  add(part_step("multi", "upload-1", 1, pattern(kLarge, 7)));
  add(complete_step("multi", "upload-1", "t-multi", pattern(kLarge, 7)));
  add(append_step("a line\n"));
  add(append_step(std::string(kLarge, 'b') + "\n"));
  add(publish_step("_access_logs1"));
  add(append_step("another line\n"));
  add(delete_step("huge"));
  add(redrive_step("t-large"));
  add(give_up_step("t-huge", "dead 1"));
  add(drop_dead_step("t-huge"));
  lines.push_back({.turn = Turn::written_back, .steps = {}});
  add(create_upload_step("given-up", "upload-2"));
  add(part_step("given-up", "upload-2", 1, pattern(kLarge, 8)));
  add(abort_step("given-up", "upload-2"));
  add(put_step("passing-large", "t-passing-1", pattern(kLarge, 9), expiry));
  add(put_step("passing-small", "t-passing-2", pattern(kSmall, 10), expiry));
  lines.push_back(burst());
  lines.push_back({.turn = Turn::clock, .steps = {}, .now = script_end()});
  add(sweep_step());
  add(drop_step("t-passing-1"));
  lines.push_back({.turn = Turn::restart, .steps = {}});
  add(tell_step());
  add(put_step("small", "t-small-2", pattern(kLarge, 11)));
  add(claim_step(1));
  add(record_step("t-large-2"));
  add(delivered_step("t-large-2"));
  add(publish_step("_access_logs2"));
  add(delete_step("copy"));
  add(create_upload_step("unfinished", "upload-3"));
  add(part_step("unfinished", "upload-3", 1, pattern(kLarge, 12)));
  add(put_step("multi", "t-multi-2", pattern(kSmall, 13)));
  return lines;
}

}  // namespace s3link::sqlite_store
