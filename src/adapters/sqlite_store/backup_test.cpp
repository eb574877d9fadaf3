// Backups of a store that is in use, and what is restored from them.
#include "adapters/sqlite_store/backup.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <thread>
#include <vector>

#include "adapters/sqlite_store/backup_lock.hpp"
#include "adapters/sqlite_store/backup_verify.hpp"
#include "adapters/sqlite_store/body_files.hpp"
#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSmall = 500;
constexpr std::size_t kLarge = 40'000;

class BackupTest : public StoreTest {
 protected:
  fs::path target() const { return targets_.path() / "backup"; }
  Backup backup() const { return {.data_dir = folder_.path(), .target = target()}; }

  void put_it(const std::string& key, std::size_t size, std::uint32_t seed) {
    ASSERT_TRUE(put_bytes(key, pattern(size, seed)));
  }
  static Status remove(Store& store, const std::string& key) {
    const auto done = run_sync(store.buckets().delete_objects(bucket_name(), {object_key(key)}));
    if (!done) return std::unexpected(done.error());
    return {};
  }

  /// What a server finds that is started on a copy of the backup.
  std::map<std::string, std::string> restored() {
    const TemporaryFolder place;
    fs::copy(target() / "s3link.db", place.path());
    fs::copy(target() / "objects", place.path() / "objects", fs::copy_options::recursive);
    const auto store = open_store(place.path());
    EXPECT_TRUE(store) << store.error().message;
    std::map<std::string, std::string> found;
    const auto page = run_sync(
        (*store)->buckets().list_objects({.bucket = bucket_name(), .prefix = {}, .delimiter = {}, .start_after = {}}));
    EXPECT_TRUE(page);
    for (const auto& object : page->objects)
      found[object.key.text()] = run_sync(get((*store)->buckets(), object.key.text())).value_or("unreadable");
    return found;
  }

  /// As a crash leaves it: the next start looks through the folders for files without a row.
  void open_every_folder_again() {
    auto db = Connection::open(folder_.path() / "s3link.db", Connection::Mode::writer, nullptr);
    ASSERT_TRUE(db);
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "objects")) {
      if (!entry.is_regular_file()) continue;
      const auto folder = std::stoi(entry.path().filename().string().substr(0, 4), nullptr, 16);
      (*db)->run("INSERT OR IGNORE INTO open_folders VALUES(?1)", folder);
    }
    ASSERT_TRUE((*db)->ok());
  }

  bool comes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return condition();
  }

  TemporaryFolder targets_;
};

TEST_F(BackupTest, HoldsEveryObjectAndNoKey) {
  put_it("small", kSmall, 1);
  put_it("large", kLarge, 2);
  put_it("empty", 0, 3);
  const auto report = back_up(backup());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->files, 1U);
  EXPECT_EQ(report->copied_files, 1U);
  EXPECT_EQ(report->damaged_files, 0U);
  EXPECT_EQ(report->database_bytes, fs::file_size(target() / "s3link.db"));
  EXPECT_EQ(restored(), (std::map<std::string, std::string>{
                            {"small", pattern(kSmall, 1)}, {"large", pattern(kLarge, 2)}, {"empty", ""}}));
  for (const auto& entry : fs::directory_iterator(target())) {
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(name == "s3link.db" || name == "objects" || name == "lock" || name == "BACKUP.txt") << name;
  }
}

TEST_F(BackupTest, TheNextOneCopiesWhatIsNewAndRemovesWhatIsGone) {
  put_it("kept", kLarge, 1);
  put_it("removed", kLarge, 2);
  ASSERT_TRUE(back_up(backup()));
  ASSERT_TRUE(remove(*store_, "removed"));
  put_it("added", kLarge, 3);
  const auto report = back_up(backup());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->files, 2U);
  EXPECT_EQ(report->copied_files, 1U);
  EXPECT_EQ(report->removed_files, 1U);
  EXPECT_EQ(count_body_files(target()), 2U);
  EXPECT_EQ(restored(),
            (std::map<std::string, std::string>{{"kept", pattern(kLarge, 1)}, {"added", pattern(kLarge, 3)}}));
}

TEST_F(BackupTest, WhatIsRemovedOrReplacedMeanwhileIsInItAsItWas) {
  put_it("removed", kLarge, 1);
  put_it("replaced", kLarge, 2);
  const auto report = back_up(backup(), {.reached = [&](BackupStep step) {
                                if (step != BackupStep::database_copied) return;
                                ASSERT_TRUE(remove(*store_, "removed"));
                                put_it("replaced", kLarge, 3);
                                put_it("added", kLarge, 4);
                                // A pass of the sweeper would unlink now what a backup does not hold on to.
                                ASSERT_TRUE(run_sync(store_->buckets().remove_expired(at_second(2), 100)));
                                ASSERT_EQ(count_body_files(folder_.path()), 4U);
                              }});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->damaged_files, 0U);
  EXPECT_EQ(restored(),
            (std::map<std::string, std::string>{{"removed", pattern(kLarge, 1)}, {"replaced", pattern(kLarge, 2)}}));
  EXPECT_TRUE(comes_true([&] { return count_body_files(folder_.path()) == 2; })) << "unlinked after the backup";
}

TEST_F(BackupTest, AServerThatIsStartedMeanwhileLeavesItsFiles) {
  put_it("removed", kLarge, 1);
  const auto report = back_up(backup(), {.reached = [&](BackupStep step) {
                                if (step != BackupStep::database_copied) return;
                                ASSERT_TRUE(remove(*store_, "removed"));
                                store_.reset();
                                open_every_folder_again();
                                reopen();
                                ASSERT_EQ(count_body_files(folder_.path()), 1U);
                              }});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->damaged_files, 0U);
  EXPECT_EQ(restored(), (std::map<std::string, std::string>{{"removed", pattern(kLarge, 1)}}));
  EXPECT_TRUE(comes_true([&] { return count_body_files(folder_.path()) == 0; })) << "unlinked after the backup";
}

TEST_F(BackupTest, UnderLoadItIsOneMomentOfTheStore) {
  // The writer puts n and then removes n - 8, so at any moment eight neighbours are there, or nine.
  constexpr std::uint32_t kWindow = 8;
  std::atomic<std::uint32_t> acknowledged = 0;
  std::atomic<bool> over = false;
  std::thread writer([&] {
    for (std::uint32_t n = 1; !over; ++n) {
      EXPECT_TRUE(put_bytes(std::to_string(n), pattern(n % 2 == 0 ? kSmall : kLarge, n)));
      acknowledged = n;
      if (n > kWindow) {
        EXPECT_TRUE(remove(*store_, std::to_string(n - kWindow)));
      }
    }
  });
  for (int round = 0; round < 5; ++round) {
    const std::uint32_t wanted = acknowledged + 2 * kWindow;
    EXPECT_TRUE(comes_true([&] { return acknowledged >= wanted; }));
    const std::uint32_t before = acknowledged;
    const auto report = back_up(backup());
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->damaged_files, 0U);
    const auto found = restored();
    EXPECT_TRUE(found.size() == kWindow || found.size() == kWindow + 1) << found.size();
    std::uint32_t newest = 0;
    for (const auto& [key, content] : found) {
      const auto n = static_cast<std::uint32_t>(std::stoul(key));
      newest = std::max(newest, n);
      EXPECT_EQ(content, pattern(n % 2 == 0 ? kSmall : kLarge, n)) << key;
    }
    EXPECT_GE(newest, before) << "acknowledged before it began";
    EXPECT_TRUE(found.contains(std::to_string(newest - kWindow + 1)));
  }
  over = true;
  writer.join();
}

TEST_F(BackupTest, TheLogIsCutWhenWhoReadItForLongIsDone) {
  const fs::path database = folder_.path() / "s3link.db";
  const auto written = fs::last_write_time(database);
  put_it("small", kSmall, 1);
  {
    auto reader = Connection::open(database, Connection::Mode::reader, nullptr);
    ASSERT_TRUE(reader);
    (*reader)->script("BEGIN");
    Query read = (*reader)->query("SELECT count(*) FROM objects");
    ASSERT_TRUE(read.next());
    // The log is written back all the same; the attempt to cut it comes right after, and finds the reader.
    ASSERT_TRUE(comes_true([&] { return fs::last_write_time(database) != written; }));
    put_it("large", kLarge, 2);
    ASSERT_GT(fs::file_size(database.string() + "-wal"), 0U);
  }
  EXPECT_TRUE(comes_true([&] { return fs::file_size(database.string() + "-wal") == 0; })) << "and no commit came";
}

/// A backup in a process of its own that dies, as by kill -9, when `step` was reached.
bool dies_at(const Backup& backup, BackupStep step) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto done = back_up(backup, {.reached = [&](BackupStep reached) {
                                if (reached == step) ::_exit(9);
                              }});
    ::_exit(done ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 9;
}

TEST_F(BackupTest, DeathAtAnyStepLeavesTheOneBeforeOrTheNewOne) {
  put_it("kept", kLarge, 1);
  put_it("removed", kLarge, 2);
  ASSERT_TRUE(back_up(backup()));
  ASSERT_TRUE(remove(*store_, "removed"));
  put_it("added", kLarge, 3);
  store_.reset();  // its threads would not come along into the other process
  const std::map<std::string, std::string> before = {{"kept", pattern(kLarge, 1)}, {"removed", pattern(kLarge, 2)}};
  const std::map<std::string, std::string> after = {{"kept", pattern(kLarge, 1)}, {"added", pattern(kLarge, 3)}};
  for (const auto step : {BackupStep::database_copied, BackupStep::body_copied, BackupStep::bodies_synced,
                          BackupStep::database_in_place, BackupStep::pruned}) {
    SCOPED_TRACE(static_cast<int>(step));
    const TemporaryFolder kept;
    fs::copy(target(), kept.path() / "backup", fs::copy_options::recursive);
    ASSERT_TRUE(dies_at(backup(), step));
    EXPECT_EQ(restored(), step < BackupStep::database_in_place ? before : after);
    const auto report = back_up(backup());
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(restored(), after);
    EXPECT_EQ(count_body_files(target()), 2U) << "nothing half copied is left";
    fs::remove_all(target());
    fs::rename(kept.path() / "backup", target());
  }
}

TEST_F(BackupTest, ABodyThatIsNotWholeIsCopiedAgain) {
  put_it("large", kLarge, 1);
  ASSERT_TRUE(back_up(backup()));
  for (const auto& entry : fs::recursive_directory_iterator(target() / "objects"))
    if (entry.is_regular_file()) fs::resize_file(entry.path(), 100);
  const auto report = back_up(backup());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->copied_files, 1U);
  EXPECT_EQ(restored(), (std::map<std::string, std::string>{{"large", pattern(kLarge, 1)}}));
}

TEST_F(BackupTest, ABodyThatIsMissingIsCounted) {
  put_it("lost", kLarge, 1);
  put_it("kept", kLarge, 2);
  put_it("cut", kLarge, 3);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "objects"))
    if (entry.is_regular_file()) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 3U);
  fs::remove(files[0]);
  fs::resize_file(files[1], 50);
  const auto report = back_up(backup());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->damaged_files, 2U);
  const auto found = restored();
  EXPECT_EQ(std::ranges::count(found, "unreadable", [](const auto& entry) { return entry.second; }), 2);
}

TEST_F(BackupTest, ABodyThatIsNoRegularFileIsCountedAndNotFollowed) {
  put_it("pipe", kLarge, 1);
  put_it("link", kLarge, 2);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "objects"))
    if (entry.is_regular_file()) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 2U);
  fs::rename(files[1], targets_.path() / "elsewhere");
  fs::create_symlink(targets_.path() / "elsewhere", files[1]);
  fs::remove(files[0]);
  ASSERT_EQ(::mkfifo(files[0].c_str(), 0600), 0);
  const auto report = back_up(backup());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->damaged_files, 2U);
  EXPECT_EQ(report->copied_files, 0U);
}

TEST_F(BackupTest, AFileThatGoesMeanwhileWithItsRowIsNotInItNorMissedThere) {
  put_it("kept", kLarge, 1);
  put_it("gone", kLarge, 2);
  const auto files_of = [&] {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "objects"))
      if (entry.is_regular_file()) files.push_back(entry.path());
    return files;
  };
  int copies = 0;
  const auto report = back_up(backup(), {.reached = [&](BackupStep step) {
                                if (step != BackupStep::database_copied || ++copies > 1) return;
                                ASSERT_TRUE(remove(*store_, "gone"));
                                auto db =
                                    Connection::open(folder_.path() / "s3link.db", Connection::Mode::reader, nullptr);
                                ASSERT_TRUE(db);
                                Query row = (*db)->query("SELECT hex(file) FROM garbage");
                                ASSERT_TRUE(row.next());
                                const std::string name = to_lower(row.bytes(0));
                                for (const auto& file : files_of())
                                  if (file.filename() == name) fs::remove(file);  // as if no lock were held
                              }});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(copies, 2);
  EXPECT_EQ(report->damaged_files, 0U);
  EXPECT_EQ(report->files, 1U);
  EXPECT_EQ(restored(), (std::map<std::string, std::string>{{"kept", pattern(kLarge, 1)}}));
}

TEST_F(BackupTest, TheFirstStartAfterARestoreSweepsWhatNoRowNamesAndCountsWhatIsMissing) {
  put_it("kept", kLarge, 1);
  put_it("lost", kLarge, 2);
  ASSERT_TRUE(back_up(backup()));
  EXPECT_FALSE(store_->restored()) << "not this one";
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(target() / "objects"))
    if (entry.is_regular_file()) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 2U);
  // As a run that was broken off leaves it.
  const auto sibling = [](const fs::path& file, char last) {
    std::string name = file.filename().string();
    name.back() = name.back() == last ? 'e' : last;
    return file.parent_path() / name;
  };
  fs::copy(files[0], sibling(files[0], '0'));
  fs::copy(files[0], sibling(files[0], '1').string() + ".partial");
  const fs::path far = target() / "objects" / "00" / "ff";
  fs::create_directories(far);
  fs::copy(files[0], far / "00ff0000000000000000000000000000");
  fs::copy(files[0], far / "notes.txt");
  fs::remove(files[1]);

  for (const bool again : {false, true}) {
    SCOPED_TRACE(again);
    const auto store = open_store(target());
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_EQ((*store)->restored().has_value(), !again) << "once";
    if (again) continue;
    EXPECT_EQ((*store)->restored()->unnamed_files, 3U);
    EXPECT_EQ((*store)->restored()->missing_files, 1U);
  }
  EXPECT_TRUE(fs::exists(files[0]));
  EXPECT_TRUE(fs::exists(far / "notes.txt")) << "somebody else's";
  EXPECT_EQ(count_body_files(target()), 2U);
}

TEST_F(BackupTest, VerifyOpensEveryBody) {
  put_it("small", kSmall, 1);
  put_it("empty", 0, 2);
  put_it("large", 300'000, 3);
  put_it("other", kLarge, 4);
  ASSERT_TRUE(back_up(backup()));
  std::vector<std::string> damages;
  const VerifyHooks hooks{.bodies = {},
                          .damaged = [&](const BackupDamage& damage) { damages.push_back(damage.where); }};
  const auto whole = verify_backup(target(), test_master_key(), hooks);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->bodies, 4U);
  EXPECT_EQ(whole->bytes, kSmall + 300'000 + kLarge);
  EXPECT_EQ(whole->damages, 0U);

  const auto wrong = verify_backup(target(), test_master_key('x'));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::denied);
  const auto nothing = verify_backup(targets_.path(), test_master_key());
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().kind, ErrorKind::not_found);
  EXPECT_EQ(verify_backup(folder_.path(), test_master_key()).error().kind, ErrorKind::conflict) << "in use";

  for (const auto& entry : fs::recursive_directory_iterator(target() / "objects")) {
    if (!entry.is_regular_file()) continue;
    const auto size = fs::file_size(entry.path());
    const auto flip = [&](std::uint64_t at) {
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(at));
      const int byte = file.get();
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(byte ^ 1));
    };
    const std::string name = size > 300'000 ? "bucket/large" : "bucket/other";
    const auto check = [&](const char* what) {
      SCOPED_TRACE(what);
      damages.clear();
      const auto report = verify_backup(target(), test_master_key(), hooks);
      ASSERT_TRUE(report) << report.error().message;
      EXPECT_EQ(report->damages, 1U);
      EXPECT_EQ(damages, std::vector<std::string>{name});
    };
    for (const std::uint64_t at : {std::uint64_t{0}, size / 2, size - 1}) {
      flip(at);
      check("a flipped bit");
      flip(at);
    }
    std::ofstream(entry.path(), std::ios::app | std::ios::binary) << 'x';
    check("a byte too many");
    fs::resize_file(entry.path(), size);
    fs::rename(entry.path(), targets_.path() / "away");
    check("missing");
    fs::rename(targets_.path() / "away", entry.path());
  }
  const auto repaired = verify_backup(target(), test_master_key(), hooks);
  ASSERT_TRUE(repaired);
  EXPECT_EQ(repaired->damages, 0U);
}

/// Whether the log can be cut just now: nobody reads what it holds.
bool log_can_be_cut(const fs::path& database) {
  auto db = Connection::open(database, Connection::Mode::writer, nullptr);
  if (!db) return false;
  sqlite3_busy_timeout((*db)->handle(), 0);
  return sqlite3_wal_checkpoint_v2((*db)->handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) == SQLITE_OK;
}

TEST_F(BackupTest, NothingIsReadFromTheDatabaseWhileTheTargetIsWritten) {
  for (std::uint32_t n = 0; n < 200; ++n) put_it(std::to_string(n), 10'000, n);
  store_.reset();  // else it is its own checkpoint that is in the way
  for (const bool space : {true, false}) {
    SCOPED_TRACE(space);
    int cut = 0;
    int held = 0;
    const auto report = back_up(backup(), {.database =
                                               [&](std::uint64_t, std::uint64_t) {
                                                 auto db = Connection::open(folder_.path() / "s3link.db",
                                                                            Connection::Mode::writer, nullptr);
                                                 ASSERT_TRUE(db);
                                                 (*db)->run("UPDATE meta SET value=value+1 WHERE name='next_number'");
                                                 ASSERT_TRUE((*db)->ok()) << (*db)->error().message;
                                                 ++(log_can_be_cut(folder_.path() / "s3link.db") ? cut : held);
                                               },
                                           .free_bytes = [&] { return space ? std::uint64_t{1} << 40 : 0; }});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_GT(held, 0) << "while it is read";
    if (space) {
      EXPECT_GT(cut, 4) << "while it is written";
    } else {
      EXPECT_EQ(cut, 0);
    }
    EXPECT_EQ(restored().size(), 200U);
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      EXPECT_EQ(entry.path().filename().string().find(".backup-"), std::string::npos) << entry.path();
  }
}

TEST_F(BackupTest, OneThatTheServerBreaksOffFailsAndLeavesTheOneBefore) {
  const auto broken_at = [&](BackupStep wanted) {
    return back_up(backup(), {.reached = [&, wanted](BackupStep step) {
                     if (step != wanted) return;
                     auto lock = BackupLock::open(folder_.path());
                     ASSERT_TRUE(lock);
                     ASSERT_TRUE(lock->replace("it made no progress for 9 s"));
                   }});
  };
  put_it("first", kLarge, 1);
  const auto first = broken_at(BackupStep::body_copied);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().kind, ErrorKind::conflict);
  EXPECT_NE(first.error().message.find("broken off: it made no progress for 9 s"), std::string::npos);
  const auto nothing = verify_backup(target(), test_master_key());
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().kind, ErrorKind::not_found);

  ASSERT_TRUE(back_up(backup()));
  put_it("second", kLarge, 2);
  for (const auto step : {BackupStep::body_copied, BackupStep::database_copied}) {
    ASSERT_FALSE(broken_at(step));
    EXPECT_EQ(restored(), (std::map<std::string, std::string>{{"first", pattern(kLarge, 1)}}));
    const auto before = verify_backup(target(), test_master_key());
    ASSERT_TRUE(before);
    EXPECT_EQ(before->damages, 0U);
    EXPECT_TRUE(before->later_one_broken_off);
  }
  // All was copied by then: it needs the lock no more.
  ASSERT_TRUE(broken_at(BackupStep::bodies_synced));
  EXPECT_EQ(restored().size(), 2U);
  EXPECT_FALSE(verify_backup(target(), test_master_key())->later_one_broken_off);
}

TEST_F(BackupTest, OneWhoseTargetHangsSaysSo) {
  put_it("kept", kLarge, 1);
  ASSERT_TRUE(back_up(backup()));
  put_it("hangs", kLarge, 2);
  fs::path pipe;  // in the place of the file's copy
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "objects")) {
    const fs::path copy = target() / "objects" / entry.path().lexically_relative(folder_.path() / "objects");
    if (entry.is_regular_file() && !fs::exists(copy)) pipe = copy.string() + ".partial";
  }
  fs::create_directories(pipe.parent_path());
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Backup brief = backup();
  brief.bounds.max_pause = std::chrono::seconds(1);
  std::string why;
  const auto report = back_up(brief, {.stuck = [&](const Error& error) {
                                why = error.message;
                                std::ifstream(pipe).ignore(1 << 20);  // it goes on
                              }});
  EXPECT_NE(why.find("this backup was broken off: it made no progress for 1 s"), std::string::npos) << why;
  EXPECT_FALSE(report) << "though it went on";
}

TEST_F(BackupTest, OnlyAnEmptyFolderOrItsOwnBackupIsWrittenOver) {
  put_it("large", kLarge, 1);
  const auto refused = [&](const fs::path& place) {
    const auto report = back_up({.data_dir = folder_.path(), .target = place});
    return report ? std::optional<ErrorKind>() : report.error().kind;
  };
  EXPECT_EQ(refused(folder_.path()), ErrorKind::invalid_argument);
  EXPECT_EQ(refused(folder_.path() / "backup"), ErrorKind::invalid_argument);
  EXPECT_FALSE(fs::exists(folder_.path() / "backup"));
  std::ofstream(targets_.path() / "letter.txt") << "dear";
  EXPECT_EQ(refused(targets_.path()), ErrorKind::conflict);

  const TemporaryFolder other;
  ASSERT_TRUE(open_store(other.path()));
  EXPECT_EQ(refused(other.path()), ErrorKind::conflict) << "a data folder";
  ASSERT_TRUE(back_up({.data_dir = other.path(), .target = target()}));
  EXPECT_EQ(refused(target()), ErrorKind::conflict) << "the backup of another folder";

  const TemporaryFolder nothing;
  const auto report = back_up({.data_dir = nothing.path(), .target = target()});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace s3link::sqlite_store
