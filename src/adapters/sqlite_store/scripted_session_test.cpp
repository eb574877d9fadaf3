#include "adapters/sqlite_store/scripted_session_test.hpp"

#include <cstdlib>
#include <thread>
#include <utility>

#include "adapters/sqlite_store/connection.hpp"
#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/event/event_record.hpp"

namespace s3link::sqlite_store {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::size_t kSmall = 100;
constexpr std::size_t kLarge = 40'000;  // a file
constexpr std::size_t kHuge = 300'000;  // a file of two writes
constexpr std::uint64_t kNoLimit = 1'000'000'000;
constexpr const char* kSubscriber = "admin";
constexpr const char* kRecipient = "ada@example.org";

Instant far_away() { return script_start() + hours(24 * 365); }

// ----------------------------------------------------------------------------------------------- single steps

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

Step put_step(std::string key, std::string trace, std::string content, std::optional<Instant> removed_at = {}) {
  const auto change = [key, trace, summary = summary_of(content)](Model& model) {
    model.objects[key] = summary;
    model.events[trace] = {"pending 0"};
  };
  return {.name = "put " + key,
          .run = [=](Store& store) { return put_now(store, key, trace, content, removed_at); },
          .change = change};
}

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

// ----------------------------------------------------------------------------------------------- reading

Result<std::map<std::string, std::string>> read_objects(Store& store) {
  const auto page = run_sync(store.buckets().list_objects(
      {.bucket = bucket_name(), .prefix = {}, .delimiter = {}, .start_after = {}, .max_entries = 1000}));
  if (!page) {
    if (page.error().code == "NoSuchBucket") return std::map<std::string, std::string>{};
    return std::unexpected(page.error());
  }
  std::map<std::string, std::string> objects;
  for (const auto& info : page->objects) {
    const auto content = run_sync(get(store.buckets(), info.key.text()));
    if (!content) return std::unexpected(content.error());
    objects[info.key.text()] = summary_of(*content);
  }
  return objects;
}

Status read_uploads(Store& store, Model& model) {
  const auto page = run_sync(store.buckets().list_uploads(
      {.bucket = bucket_name(), .prefix = {}, .delimiter = {}, .key_marker = {}, .upload_id_marker = {}}));
  if (!page) return page.error().code == "NoSuchBucket" ? Status{} : std::unexpected(page.error());
  for (const auto& upload : page->uploads) {
    auto& parts = model.uploads[upload.key.text()];
    const auto stored = run_sync(store.buckets().list_parts(bucket_name(), upload.key, upload.upload_id, 0, 100));
    if (!stored) return std::unexpected(stored.error());
    for (const auto& part : *stored) parts[part.number] = summary_of(part.size_bytes, part.etag);
  }
  return {};
}

std::size_t size_in(const std::string& summary) { return std::stoul(summary); }

/// How many bodies are too large for the database.
std::size_t count_files(const Model& model) {
  const auto in_file = [](const std::string& summary) { return size_in(summary) > 16 * 1024 ? 1U : 0U; };
  std::size_t count = 0;
  for (const auto& [key, summary] : model.objects) count += in_file(summary);
  for (const auto& [key, parts] : model.uploads) {
    for (const auto& [number, summary] : parts) count += in_file(summary);
  }
  return count;
}

void check_events(Store& store, const Model& model) {
  std::multiset<std::string> waiting;
  for (const auto& [trace, states] : model.events) {
    std::size_t places = 0;
    for (const std::string& state : states) {
      if (!state.starts_with("delivered")) ++places;
      if (state.starts_with("pending")) waiting.insert(trace);
    }
    EXPECT_LE(places, 1U) << trace << " is in more than one place";
    EXPECT_FALSE(states.empty()) << trace;
  }
  const auto taken = run_sync(store.outbox().take_due(
      far_away(), {.total = 1000, .retried = 1000, .retried_first = true}, far_away() + hours(1)));
  ASSERT_TRUE(taken) << taken.error().message;
  std::multiset<std::string> claimed;
  for (const auto& entry : *taken) claimed.insert(entry.trace);
  EXPECT_EQ(claimed, waiting);
}

/// What only SQLite itself can say; with the store closed.
void check_database(const std::filesystem::path& folder) {
  const auto db = Connection::open(folder / "s3link.db", Connection::Mode::writer, nullptr);
  ASSERT_TRUE(db) << db.error().message;
  const auto ask = [&](const char* sql) {
    Query row = (*db)->query(sql);
    return row.next() ? row.text(0) : "";
  };
  EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(ask("SELECT count(*) FROM open_folders"), "0");
  EXPECT_EQ(ask("SELECT count(*) FROM bodies WHERE body_set NOT IN (SELECT body_set FROM objects)"
                " AND body_set NOT IN (SELECT body_set FROM uploads)"),
            "0");
  EXPECT_EQ(ask("SELECT count(*) FROM small_bodies WHERE id NOT IN (SELECT small FROM bodies WHERE small NOT NULL)"),
            "0");
  EXPECT_TRUE((*db)->ok());
}

}  // namespace

bool exhaustive() {
  const char* const wanted = std::getenv("S3LINK_DISK_FAULTS");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return wanted != nullptr && std::string_view(wanted) == "all";
}

std::uint64_t base_seed() {
  const char* const text = std::getenv("S3LINK_SEED");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

std::string summary_of(std::uint64_t size, const std::string& md5_hex) { return std::to_string(size) + " " + md5_hex; }
std::string summary_of(std::string_view content) { return summary_of(content.size(), hex_encode(md5(content))); }

std::string Model::text() const {
  std::string out;
  for (const auto& [key, summary] : objects) out += "object " + key + " " + summary + "\n";
  for (const auto& [key, parts] : uploads) {
    out += "upload " + key + "\n";
    for (const auto& [number, summary] : parts) out += "  part " + std::to_string(number) + " " + summary + "\n";
  }
  for (const auto& [trace, states] : events) {
    out += "event " + trace;
    for (const auto& state : states) out += ", " + state;
    out += "\n";
  }
  return out + "journal " + std::to_string(journal.size()) + "\nalarm " + (alarm.empty() ? "OK" : alarm) + "\n";
}

Result<Model> read_model(Store& store) {
  Model model;
  auto objects = read_objects(store);
  if (!objects) return std::unexpected(objects.error());
  model.objects = std::move(*objects);
  if (const Status read = read_uploads(store, model); !read) return std::unexpected(read.error());
  const auto rows =
      run_sync(store.deliveries().list({.state = {}, .bucket = {}, .key = {}, .sequencer = {}, .limit = 1000}));
  if (!rows) return std::unexpected(rows.error());
  for (const auto& row : *rows) model.events[row.trace].insert(row.state + " " + std::to_string(row.attempts));
  const auto waiting = run_sync(store.access_log_journal().waiting());
  if (!waiting) return std::unexpected(waiting.error());
  model.journal = std::string(waiting->bytes, '.');
  const auto memory = run_sync(store.alarms().load(alarm::AlarmName::dead_letters));
  if (!memory) return std::unexpected(memory.error());
  const auto untold = run_sync(store.alarms().next_for(kSubscriber));
  if (!untold) return std::unexpected(untold.error());
  if (memory->state == delivery::AlarmState::alarm) model.alarm = "ALARM";
  if (*untold) model.alarm += ", admin not told";
  return model;
}

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

Status ScriptedStore::open() {
  auto opened = open_store(folder_, disk_.hooks([this] { return now_.load(); }));
  if (!opened) return std::unexpected(opened.error());
  store_ = std::move(*opened);
  return {};
}

void ScriptedStore::kill() {
  disk_.freeze();
  store_.reset();
  disk_.thaw();
}

void expire(Model& model) {
  std::erase_if(model.objects, [](const auto& object) { return object.first.starts_with("passing"); });
}

std::set<std::string> Session::possible() const {
  std::set<std::string> texts;
  for (const Model& model : possible_) texts.insert(model.text());
  return texts;
}

void Session::run(const std::vector<ScriptLine>& lines) {
  restart(false);
  for (std::size_t i = 0; i < lines.size() && store_.is_open(); ++i) {
    play(lines[i], i);
    // Nothing but another process helps then.
    if (store_.is_open() && refusing()) restart(options_.kill_when_refusing);
  }
}

void Session::play(const ScriptLine& line, std::size_t number) {
  switch (line.turn) {
    case Turn::clock:
      store_.set_now(line.now);
      for (Model& model : possible_) expire(model);
      break;
    case Turn::restart:
      restart(false);
      break;
    case Turn::written_back: {
      if (!options_.wait_for_write_back) break;
      EXPECT_TRUE(disk_.wait_until_file_is_empty("s3link.db-wal"));
      break;
    }
    case Turn::step: {
      const bool was_refusing = refusing();
      std::vector<Status> done(line.steps.size());
      {
        std::vector<std::jthread> writers;
        for (std::size_t i = 1; i < line.steps.size(); ++i) {
          writers.emplace_back([&, i] {
            done[i] = line.steps[i].run(*store_);
            if (done[i]) told_(number, i);
          });
        }
        done[0] = line.steps[0].run(*store_);
        if (done[0]) told_(number, 0);
      }
      for (std::size_t i = 0; i < line.steps.size(); ++i) judge(line.steps[i], done[i], was_refusing);
    }
  }
}

void Session::judge(const Step& step, const Status& done, bool was_refusing) {
  std::vector<Model> changed = possible_;
  for (Model& model : changed) step.change(model);
  if (done) {
    // What writes nothing may go on.
    if (was_refusing) EXPECT_EQ(changed.front().text(), possible_.front().text()) << step.name;
    possible_ = std::move(changed);
    return;
  }
  ++refused_;
  const Error& error = done.error();
  const bool from_the_disk = error.kind == ErrorKind::transient || error.kind == ErrorKind::internal;
  // Or what the step is about is not there, because the step that would have made it was refused.
  EXPECT_TRUE(from_the_disk || (refused_ > 1 && error.kind != ErrorKind::corrupt))
      << step.name << ": " << to_string(error.kind) << " " << error.message;
  if (!was_refusing && refusing()) possible_.insert(possible_.end(), changed.begin(), changed.end());
}

bool Session::refusing() const {
  const Status writable = store_->buckets().writable();
  return !writable && writable.error().message.find("until the server is started again") != std::string::npos;
}

void Session::restart(bool kill) {
  if (kill) {
    store_.kill();
  } else {
    store_.close();
  }
  ++restarts_;
  Status opened = store_.open();
  if (!opened) {
    EXPECT_TRUE(disk_.failed()) << opened.error().message;
    EXPECT_TRUE(opened.error().kind == ErrorKind::transient || opened.error().kind == ErrorKind::internal)
        << opened.error().message;
    if (options_.fault_lasts) disk_.repair();
    opened = store_.open();
    EXPECT_TRUE(opened) << opened.error().message;
  }
  if (!opened) return;
  const auto found = read_model(*store_);
  EXPECT_TRUE(found) << found.error().message;
  if (!found) return;
  const std::string text = found->text();
  EXPECT_TRUE(possible().contains(text)) << "found:\n" << text << "possible:\n" << testing::PrintToString(possible());
  std::erase_if(possible_, [&](const Model& model) { return model.text() != text; });
}

void Session::check_takes_writes_again() {
  disk_.repair();
  if (!store_.is_open()) return restart(false);
  EXPECT_TRUE(store_->buckets().writable());
  const Step again = put_step("again", "t-again", pattern(kLarge, 77));
  Status done = again.run(*store_);
  if (!done && possible_.front().objects.empty()) return;  // not even the bucket is there
  EXPECT_TRUE(done) << done.error().message;
  judge(again, done, false);
}

std::string check_recovered(const std::filesystem::path& folder, const std::set<std::string>& possible, Instant now,
                            std::optional<std::uint64_t> second_cut) {
  SimulatedDisk disk(folder);
  std::string found;
  std::size_t position = 0;
  {
    ScriptedStore store(disk, folder);
    store.set_now(now);
    const Status opened = store.open();
    EXPECT_TRUE(opened) << opened.error().message;
    if (!opened) return found;
    auto model = read_model(*store);
    EXPECT_TRUE(model) << model.error().message;
    if (!model) return found;
    found = model->text();
    EXPECT_TRUE(possible.contains(found)) << "found:\n" << found << "possible:\n" << testing::PrintToString(possible);
    position = disk.position();

    check_events(*store, *model);
    store.set_now(script_end());
    const auto removed = run_sync(store->buckets().remove_expired(script_end(), 100));
    EXPECT_TRUE(removed) << removed.error().message;
    const auto rest = read_model(*store);
    EXPECT_TRUE(rest);
    const std::size_t files = rest ? count_files(*rest) : 0;
    EXPECT_TRUE(disk.wait_until([&] { return count_body_files(folder) == files; }))
        << count_body_files(folder) << " files, not " << files;
    // Only a bucket that was there takes anything.
    const Step last = put_step("last", "t-last", pattern(kLarge, 99));
    const bool has_bucket = run_sync(store->buckets().head_bucket(bucket_name())).has_value();
    EXPECT_EQ(last.run(*store).has_value(), has_bucket);
    EXPECT_TRUE(store->buckets().writable());
  }
  check_database(folder);
  if (second_cut) {
    const TemporaryFolder again(TemporaryFolder::Place::memory);
    disk.leave({.after = *second_cut % (position + 1), .loss = DiskLog::kLosses[*second_cut % 4], .seed = *second_cut},
               again.path());
    check_recovered(again.path(), {found}, now);
  }
  return found;
}

}  // namespace s3link::sqlite_store
