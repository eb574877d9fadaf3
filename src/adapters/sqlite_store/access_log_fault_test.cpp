// The access log's journal while the disk fails at each call: every line that was kept is in exactly one place.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "adapters/sqlite_store/faulty_file_system_test.hpp"
#include "adapters/sqlite_store/faulty_vfs_test.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr std::uint64_t kNoLimit = 1'000'000'000;

/// A line too long for a small body, so that its object is a file.
std::string long_line(char c) { return std::string(40'000, c) + "\n"; }

Status publish(Store& store, std::string_view key) {
  const auto published = run_sync(store.access_log_journal().publish(
      {.bucket = bucket_name(), .key = object_key(key), .removed_at = from_unix_ms(4102444800000)}, at_second(2),
      kNoLimit, kNoLimit));
  if (!published) return std::unexpected(published.error());
  return {};
}

/// Lines by what became of their append(): how often each may be there.
struct Session {
  std::set<std::string> kept;
  std::set<std::string> refused;

  void append(Store& store, const std::string& line) {
    const Status done = run_sync(store.access_log_journal().append({.text = line, .count = 1}, at_second(1)));
    (done ? kept : refused).insert(line);
  }
  void run(Store& store) {
    append(store, "a\n");
    append(store, long_line('b'));
    (void)publish(store, "first");
    append(store, "c\n");
    (void)publish(store, "second");
    append(store, "d\n");
  }
};

/// A line that was kept is in one object, or in the journal, once; a refused one at most once.
void check(const std::filesystem::path& folder, const Session& session) {
  const auto store = open_store(folder);
  ASSERT_TRUE(store) << store.error().message;
  ASSERT_TRUE(publish(**store, "rest"));
  std::map<std::string, int> found;
  for (const auto* const key : {"first", "second", "rest"}) {
    const auto text = run_sync(get((*store)->buckets(), key));
    if (!text) {
      EXPECT_EQ(text.error().code, "NoSuchKey") << key << ": " << text.error().message;
      continue;
    }
    for (std::size_t at = 0; at < text->size();) {
      const std::size_t end = text->find('\n', at) + 1;
      ++found[text->substr(at, end - at)];
      at = end;
    }
  }
  for (const std::string& line : session.kept) EXPECT_EQ(found[line], 1) << line.front();
  for (const std::string& line : session.refused) EXPECT_LE(found[line], 1) << line.front();
}

void prepare(const std::filesystem::path& folder) {
  const auto store = open_store(folder);
  ASSERT_TRUE(store) << store.error().message;
  ASSERT_TRUE(run_sync((*store)->buckets().create_bucket(bucket_name(), at_second(1))));
}

TEST(AccessLogFaultTest, LinesAreNotWrittenIntoTheRoomThatRemovalsNeed) {
  const TemporaryFolder folder(TemporaryFolder::Place::memory);
  prepare(folder.path());
  FaultyFileSystem files(FaultyFileSystem::Mode::count, 0, 0);
  auto store = open_store(folder.path(), {.files = &files, .sqlite_vfs = nullptr, .now = {}});
  ASSERT_TRUE(store);
  ports::AccessLogJournal& journal = (*store)->access_log_journal();
  files.pretend_free_bytes(41ULL * 1024 * 1024);
  EXPECT_TRUE(run_sync(journal.append({.text = "a\n", .count = 1}, at_second(1))));
  const auto refused = run_sync(journal.append({.text = std::string(1 << 20, 'b') + "\n", .count = 1}, at_second(1)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::transient);
  EXPECT_TRUE((*store)->buckets().writable()) << "others go on";
  files.pretend_free_bytes(1'000'000'000);
  EXPECT_TRUE(run_sync(journal.append({.text = "c\n", .count = 1}, at_second(1))));
  EXPECT_EQ(run_sync(journal.waiting())->lines, 2U);
}

TEST(AccessLogFaultTest, PowerGoesAtEachFileCall) {
  int calls = 1;
  for (int chosen = 0; chosen < calls; ++chosen) {
    SCOPED_TRACE(chosen);
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    prepare(folder.path());
    FaultyFileSystem files(FaultyFileSystem::Mode::fail_onwards, chosen, EIO);
    Session session;
    if (const auto store = open_store(folder.path(), {.files = &files, .sqlite_vfs = nullptr, .now = {}})) {
      session.run(**store);
    }
    // As long as something fails there was a call to fail.
    if (files.failed()) calls = chosen + 2;
    files.lose_what_was_not_synced();
    check(folder.path(), session);
  }
  EXPECT_GT(calls, 3);
}

/// Runs the session with that fault; returns how many calls the database made that change something.
int run_with_database_fault(FaultyVfs::Fault fault, int chosen) {
  const TemporaryFolder folder(TemporaryFolder::Place::memory);
  prepare(folder.path());
  Session session;
  int calls = 0;
  {
    const FaultyVfs vfs(fault, chosen);
    if (const auto store = open_store(folder.path(), {.files = nullptr, .sqlite_vfs = FaultyVfs::name(), .now = {}})) {
      session.run(**store);
    }
    calls = FaultyVfs::calls();
  }
  check(folder.path(), session);
  return calls;
}

class AccessLogDatabaseFaultTest : public testing::TestWithParam<FaultyVfs::Fault> {};

TEST_P(AccessLogDatabaseFaultTest, EachDatabaseCallFails) {
  const int calls = run_with_database_fault(FaultyVfs::Fault::none, 0);
  ASSERT_GT(calls, 20);
  for (int chosen = 0; chosen < calls; ++chosen) {
    SCOPED_TRACE(chosen);
    run_with_database_fault(GetParam(), chosen);
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, AccessLogDatabaseFaultTest,
                         testing::Values(FaultyVfs::Fault::full_once, FaultyVfs::Fault::sync_once,
                                         FaultyVfs::Fault::io_onwards));

}  // namespace
}  // namespace s3link::sqlite_store
