#include "adapters/sqlite_store/scripted_session_test.hpp"

#include <cstdlib>
#include <thread>
#include <utility>

#include "adapters/sqlite_store/connection.hpp"
#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

Instant far_away() { return script_start() + hours(24 * 365); }

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
  return !writable && writable.error().message.find("until s3link is restarted") != std::string::npos;
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
