// Each sync of a scripted session fails once, and from each write on the disk is full, once or until there is room
// again; afterwards the power fails. What must hold: nothing that was acknowledged is lost (P1), every event is in one
// place (P2), what was removed stays removed (P5), and a store that cannot know what is on the disk takes no writes.
//
// By default a sample of the places where there are many; S3LINK_DISK_FAULTS=all takes every one. S3LINK_SEED chooses
// the draws of the power cut.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/scripted_session_test.hpp"

namespace s3link::sqlite_store {
namespace {

using Fault = SimulatedDisk::Fault;
using Fails = SimulatedDisk::Fails;

struct Counts {
  std::size_t faults = 0;
  std::size_t refused = 0;
  std::size_t restarts = 0;
};

class DiskFaultTest : public testing::Test {
 protected:
  struct Calls {
    std::uint64_t syncs = 0;
    std::uint64_t writes = 0;
  };
  /// Of a session without a fault. The threads of a store do not take turns the same way each time, so a few more may
  /// come, or a few less: a fault that is never reached does nothing.
  static Calls count_calls() {
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    SimulatedDisk disk(folder.path());
    Session session(disk, folder.path(), {});
    session.run(script());
    EXPECT_EQ(session.refused(), 0U);
    session.store().close();
    return {.syncs = disk.syncs(), .writes = disk.writes()};
  }

  /// The session with that fault, then a power cut.
  void play(Fault fault, Session::Options options, DiskLog::Loss loss) {
    SCOPED_TRACE((fault.what == Fails::sync ? "sync " : "write ") + std::to_string(fault.first));
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    SimulatedDisk disk(folder.path(), fault);
    Session session(disk, folder.path(), options);
    session.run(script());
    if (fault.what == Fails::space) session.check_takes_writes_again();
    const TemporaryFolder after(TemporaryFolder::Place::memory);
    disk.leave({.after = disk.position(), .loss = loss, .seed = base_seed() * 7'919 + fault.first}, after.path());
    check_recovered(after.path(), session.possible(), session.now());
    ++counts_.faults;
    counts_.refused += session.refused();
    counts_.restarts += session.restarts();
  }

  void report(const char* what, std::uint64_t of) const {
    std::cout << what << ": " << counts_.faults << " of " << of << " places, " << counts_.refused
              << " steps refused; the store opened " << counts_.restarts << " times, and " << counts_.faults
              << " times after a power cut\n";
  }

  Counts counts_;
};

TEST_F(DiskFaultTest, EachSyncFails) {
  const std::uint64_t calls = count_calls().syncs;
  ASSERT_GT(calls, 100U);
  std::uint64_t places = 0;
  for (const bool kill : {false, true}) {
    for (std::uint64_t n = 0; n < calls && !HasFailure(); ++n) {
      const auto losses = exhaustive() ? std::span(DiskLog::kLosses) : std::span(DiskLog::kLosses).first(1);
      for (const auto loss : losses) play({.what = Fails::sync, .first = n}, {.kill_when_refusing = kill}, loss);
      places += losses.size();
    }
  }
  report("syncs that fail, then closed or killed", places);
}

// While a reader holds an old snapshot, a part of the log is written back and counted as done without a sync. The sync
// at the end, which fails, loses that part, too; a second try would write only the rest and give up the log.
TEST_F(DiskFaultTest, WhatAFailedWriteBackLosesIsStillInTheLog) {
  const TemporaryFolder folder(TemporaryFolder::Place::memory);
  SimulatedDisk disk(folder.path());
  ScriptedStore store(disk, folder.path());
  ASSERT_TRUE(store.open());
  ASSERT_TRUE(run_sync(store->buckets().create_bucket(bucket_name(), script_start())));
  const auto key = [](unsigned i) { return "key" + std::to_string(i); };
  const auto put_it = [&](unsigned i) {
    return run_sync(put(store->buckets(), put_request(key(i)), pattern(9'000, i)));
  };
  constexpr unsigned kBefore = 4;
  constexpr unsigned kAll = 30;
  for (unsigned i = 0; i < kBefore; ++i) ASSERT_TRUE(put_it(i));
  {
    auto reader = Connection::open(folder.path() / "s3link.db", Connection::Mode::reader, disk.hooks({}).sqlite_vfs);
    ASSERT_TRUE(reader);
    (*reader)->run("BEGIN");
    (*reader)->run("SELECT count(*) FROM meta");
    const std::size_t position = disk.position();
    for (unsigned i = kBefore; i < kAll; ++i) ASSERT_TRUE(put_it(i));
    ASSERT_TRUE(disk.wait_until_written("s3link.db", position));
    disk.fail_next_sync_of("s3link.db");
    (*reader)->run("COMMIT");
  }
  const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (store->buckets().writable() && std::chrono::steady_clock::now() < latest) std::this_thread::yield();
  ASSERT_FALSE(store->buckets().writable());
  store.close();

  for (const auto loss : DiskLog::kLosses) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(std::string(to_string(loss)) + ", seed " + std::to_string(seed));
      const TemporaryFolder after(TemporaryFolder::Place::memory);
      disk.leave({.after = disk.position(), .loss = loss, .seed = seed}, after.path());
      const auto again = open_store(after.path());
      ASSERT_TRUE(again) << again.error().message;
      for (unsigned i = 0; i < kAll; ++i)
        EXPECT_TRUE(run_sync(get((*again)->buckets(), key(i))) == pattern(9'000, i)) << i;
    }
  }
}

TEST_F(DiskFaultTest, NoSyncSucceedsAnyMore) {
  const std::uint64_t calls = count_calls().syncs;
  for (std::uint64_t n = 0; n < calls && !HasFailure(); n += exhaustive() ? 1 : 8)
    play({.what = Fails::sync, .first = n, .lasting = true}, {.fault_lasts = true}, DiskLog::kLosses[n / 8 % 4]);
  report("syncs from which on all fail", calls);
}

TEST_F(DiskFaultTest, NoRoomForOneWrite) {
  const std::uint64_t calls = count_calls().writes;
  ASSERT_GT(calls, 300U);
  for (std::uint64_t n = 0; n < calls && !HasFailure(); n += exhaustive() ? 1 : 7)
    play({.what = Fails::space, .first = n}, {}, DiskLog::kLosses[n / 7 % 4]);
  report("writes without room", calls);
}

TEST_F(DiskFaultTest, NoRoomUntilThereIsSomeAgain) {
  const std::uint64_t calls = count_calls().writes;
  for (std::uint64_t n = 0; n < calls && !HasFailure(); n += exhaustive() ? 1 : 7)
    play({.what = Fails::space, .first = n, .lasting = true}, {.fault_lasts = true}, DiskLog::kLosses[n / 7 % 4]);
  report("writes from which on there is no room", calls);
}

}  // namespace
}  // namespace s3link::sqlite_store
