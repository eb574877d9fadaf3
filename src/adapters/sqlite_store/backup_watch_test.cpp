// What becomes of a backup that hangs: the server takes its lock away, and kills it where nothing else helps.
#include "adapters/sqlite_store/backup_watch.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>

#include "adapters/sqlite_store/file_system.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"
#include "support/fake_logger.hpp"

namespace s3link::sqlite_store {
namespace {

using namespace std::chrono_literals;

constexpr BackupBounds kBounds{.max_pause = 60s, .max_time = 600s};

class BackupWatchTest : public testing::Test {
 protected:
  /// The server's look `seconds` after the last one.
  void look_after(std::chrono::seconds seconds) {
    now_ += seconds;
    watch_.look(now_);
  }
  bool server_may_unlink() { return watch_.try_exclude().has_value(); }
  /// File times have steps of some milliseconds.
  static void get_further(const BackupLock& backup) {
    const auto before = backup.progress();
    while (backup.progress() == before) backup.touch();
  }
  bool logged(std::string_view message) {
    return std::ranges::any_of(logger_.lines, [&](const auto& line) { return line.starts_with(message); });
  }

  TemporaryFolder folder_;
  Health health_{real_file_system(), folder_.path().string()};
  StoreMeter meter_;
  test_support::FakeLogger logger_;
  std::vector<pid_t> killed_;
  BackupWatch watch_{
      BackupLock::open(folder_.path()).value(), kBounds, health_, meter_, &logger_, [this](pid_t process) {
        killed_.push_back(process);
      }};
  BackupWatch::Clock::time_point now_{};
  BackupLock backup_ = BackupLock::open(folder_.path()).value();
};

TEST_F(BackupWatchTest, OneThatGetsFurtherIsLeftAlone) {
  const auto held = backup_.share();
  ASSERT_TRUE(held);
  for (int look = 0; look < 11; ++look) {
    look_after(50s);
    get_further(backup_);
  }
  EXPECT_FALSE(server_may_unlink());
  EXPECT_TRUE(backup_.check());
  EXPECT_TRUE(watch_.status().running);
  EXPECT_EQ(meter_.backup_running, 1U);
  EXPECT_EQ(meter_.backups_broken_off, 0U);
}

TEST_F(BackupWatchTest, OneThatGetsNoFurtherLosesTheLockAndIsToldWhy) {
  {
    const auto held = backup_.share();
    ASSERT_TRUE(held);
    look_after(0s);
    look_after(29s);
    EXPECT_FALSE(watch_.status().stalled);
    look_after(1s);
    EXPECT_TRUE(watch_.status().stalled);
    EXPECT_EQ(meter_.backup_quiet_seconds, 30U);
    look_after(29s);
    EXPECT_FALSE(server_may_unlink());
    look_after(1s);
    EXPECT_TRUE(server_may_unlink());
    const Status told = backup_.check();
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().message, "it made no progress for 60 s");
    EXPECT_EQ(watch_.status().broken_off, told.error().message);
    EXPECT_FALSE(watch_.status().running);
    EXPECT_EQ(meter_.backups_broken_off, 1U);
    look_after(1000s);
    EXPECT_TRUE(killed_.empty()) << "it does no harm any more";
    EXPECT_TRUE(server_may_unlink());
  }
  look_after(1s);
  const std::vector<std::string> lines{"backup stalled no_progress_for=30 s",
                                       "backup broken off detail=it made no progress for 60 s",
                                       "backup ended that was broken off"};
  EXPECT_EQ(logger_.lines, lines) << "each once";
}

TEST_F(BackupWatchTest, OneThatGoesOnInTimeIsNotBrokenOff) {
  const auto held = backup_.share();
  ASSERT_TRUE(held);
  look_after(0s);
  look_after(59s);
  get_further(backup_);
  look_after(1s);
  EXPECT_TRUE(backup_.check());
  EXPECT_FALSE(watch_.status().stalled);
  EXPECT_TRUE(logged("backup goes on"));
}

TEST_F(BackupWatchTest, OneThatTakesTooLongIsBrokenOff) {
  const auto held = backup_.share();
  ASSERT_TRUE(held);
  look_after(0s);
  for (int look = 0; look < 20; ++look) {
    get_further(backup_);
    look_after(30s);
  }
  EXPECT_TRUE(server_may_unlink());
  EXPECT_EQ(backup_.check().error().message, "it ran for 600 s");
}

TEST_F(BackupWatchTest, TheNextOneEndsTheSign) {
  std::optional<BackupLock::Hold> hung(backup_.share().value());
  look_after(0s);
  look_after(60s);
  EXPECT_FALSE(watch_.status().broken_off.empty());
  auto next = BackupLock::open(folder_.path()).value();
  for (const bool seen : {true, false}) {
    SCOPED_TRACE(seen);
    {
      const auto held = next.share();
      ASSERT_TRUE(held);
      EXPECT_FALSE(server_may_unlink());
      get_further(next);
      if (seen) look_after(1s);
      EXPECT_FALSE(watch_.status().broken_off.empty()) << "it may fail, too";
    }
    look_after(1s);
    EXPECT_TRUE(watch_.status().broken_off.empty());
    EXPECT_TRUE(server_may_unlink());
    // Once more, for one that runs between two looks.
    const auto held = next.share();
    look_after(1s);
    look_after(60s);
    EXPECT_FALSE(watch_.status().broken_off.empty());
  }
  EXPECT_EQ(watch_.status().broken_offs, 3U);
}

TEST_F(BackupWatchTest, ALockThatWasRemovedIsMadeAgain) {
  const auto held = backup_.share();
  ASSERT_TRUE(held);
  std::filesystem::remove(folder_.path() / "backup.lock");
  EXPECT_FALSE(backup_.check());
  auto next = BackupLock::open(folder_.path()).value();
  const auto next_held = next.share();
  ASSERT_TRUE(next_held);
  EXPECT_FALSE(server_may_unlink()) << "it sees the new file";
  EXPECT_TRUE(next.check());
}

/// Another process that holds the lock, and says that it reads the database.
class ReadingBackup {
 public:
  explicit ReadingBackup(const std::filesystem::path& data_dir) {
    std::array<int, 2> ready{};
    if (::pipe(ready.data()) != 0) std::abort();
    process_ = ::fork();
    if (process_ == 0) {
      auto lock = BackupLock::open(data_dir);
      const auto held = lock->share();
      const BackupLock::Reading reading(*lock);
      if (!held || ::write(ready[1], "x", 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) std::abort();
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ReadingBackup(const ReadingBackup&) = delete;
  ReadingBackup& operator=(const ReadingBackup&) = delete;
  ~ReadingBackup() { end(); }
  pid_t process() const noexcept { return process_; }
  void end() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }

 private:
  pid_t process_;
};

TEST_F(BackupWatchTest, OneThatReadsWhileTheLogPressesIsBrokenOffAndKilled) {
  ReadingBackup backup(folder_.path());
  look_after(0s);
  look_after(BackupWatch::kHangs);
  EXPECT_FALSE(server_may_unlink());
  health_.note_log(LogPressure::presses);
  look_after(0s);
  EXPECT_TRUE(server_may_unlink());
  EXPECT_TRUE(logged("backup broken off detail=it reads the database")) << logger_.lines.back();
  EXPECT_NE(logger_.lines.back().find("process=" + std::to_string(backup.process())), std::string::npos);
  look_after(1s);
  EXPECT_TRUE(killed_.empty()) << "it may end by itself";
  look_after(1s);
  EXPECT_EQ(killed_, std::vector<pid_t>{backup.process()});
  look_after(1s);
  EXPECT_EQ(killed_.size(), 1U) << "once";
  backup.end();
  look_after(1s);
  EXPECT_TRUE(logged("backup ended that was broken off"));
}

TEST_F(BackupWatchTest, OneThatReadsAndGetsFurtherHasUntilUploadsAreRefused) {
  const ReadingBackup backup(folder_.path());
  look_after(0s);
  health_.note_log(LogPressure::presses);
  for (int look = 0; look < 5; ++look) {
    get_further(backup_);  // as if it were the other one
    look_after(1s);
  }
  EXPECT_FALSE(server_may_unlink());
  health_.note_log(LogPressure::refuses_uploads);
  look_after(0s);
  EXPECT_TRUE(server_may_unlink());
}

TEST_F(BackupWatchTest, OneThatCopiesFilesHasNothingToDoWithTheLog) {
  const auto held = backup_.share();
  ASSERT_TRUE(held);
  look_after(0s);
  health_.note_log(LogPressure::refuses_all);
  look_after(30s);
  EXPECT_FALSE(server_may_unlink());
}

}  // namespace
}  // namespace s3link::sqlite_store
