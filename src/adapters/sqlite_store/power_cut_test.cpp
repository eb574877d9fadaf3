// The power fails at every place of a scripted session, in every way; then the store is opened again. What must hold:
// P1, what was acknowledged is there whole with its event, what was not is there whole or not at all; P2, every event
// is in one place; P5, what was removed stays removed, and its bytes go.
//
// By default a sample of the places; S3LINK_DISK_FAULTS=all takes every one. S3LINK_SEED chooses the draws.
#include <gtest/gtest.h>

#include <iostream>
#include <mutex>

#include "adapters/sqlite_store/scripted_session_test.hpp"

namespace s3link::sqlite_store {
namespace {

/// The script as it went once, without a fault, and where in it each step was acknowledged.
class Recording {
 public:
  Recording() : lines_(script()), disk_(folder_.path()) {
    for (const auto& line : lines_) acknowledged_.emplace_back(line.steps.size(), SIZE_MAX);
    Session session(disk_, folder_.path(), {.wait_for_write_back = true});
    std::mutex mutex;
    session.on_acknowledged([&](std::size_t line, std::size_t step) {
      const std::size_t position = disk_.position();
      const std::lock_guard lock(mutex);
      acknowledged_[line][step] = position;
    });
    session.run(lines_);
    EXPECT_EQ(session.refused(), 0U);
    session.store().close();
  }

  const DiskLog& log() const { return disk_.log(); }

  struct Expected {
    std::set<std::string> possible;
    Instant now = script_start();
  };
  /// What may be found when the power fails after so many entries of the log.
  Expected after(std::size_t position) const {
    Expected expected;
    std::vector<Model> models{Model{}};
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i].turn == Turn::clock) {
        expected.now = lines_[i].now;
        for (Model& model : models) expire(model);
      }
      bool all = true;
      for (std::size_t step = 0; step < lines_[i].steps.size(); ++step) {
        std::vector<Model> changed = models;
        for (Model& model : changed) lines_[i].steps[step].change(model);
        if (acknowledged_[i][step] <= position) {
          models = std::move(changed);
        } else {
          all = false;
          models.insert(models.end(), changed.begin(), changed.end());
        }
      }
      if (!all) break;
    }
    for (const Model& model : models) expected.possible.insert(model.text());
    return expected;
  }

 private:
  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  std::vector<ScriptLine> lines_;
  std::vector<std::vector<std::size_t>> acknowledged_;
  SimulatedDisk disk_;
};

TEST(LogTest, IsCutWhenItIsQuietAfterItHasGrown) {
  const TemporaryFolder folder(TemporaryFolder::Place::memory);
  SimulatedDisk disk(folder.path());
  ScriptedStore store(disk, folder.path());
  ASSERT_TRUE(store.open());
  ASSERT_TRUE(run_sync(store->access_log_journal().append({.text = pattern(500'000), .count = 1}, script_start())));
  EXPECT_TRUE(disk.wait_until_file_is_empty("s3link.db-wal"));
}

class PowerCutTest : public testing::TestWithParam<DiskLog::Loss> {
 protected:
  static void SetUpTestSuite() { recording_ = std::make_unique<Recording>(); }
  static void TearDownTestSuite() { recording_.reset(); }

  /// Places where something has just become certain, and a part of the others.
  static std::vector<std::size_t> places(std::size_t every) {
    std::vector<std::size_t> chosen;
    const DiskLog& log = recording_->log();
    for (std::size_t k = 0; k <= log.size(); ++k) {
      const bool certain = k > 0 && log.is_sync(k - 1);
      if (certain || k % every == 0) chosen.push_back(k);
    }
    return chosen;
  }

  static std::unique_ptr<Recording> recording_;
};
std::unique_ptr<Recording> PowerCutTest::recording_;

TEST_P(PowerCutTest, AtEveryPlaceOfTheSession) {
  const std::uint64_t seeds = exhaustive() ? 3 : 1;
  std::size_t cuts = 0;
  std::size_t second_cuts = 0;
  const auto chosen = places(exhaustive() ? 1 : 16);
  for (const std::size_t place : chosen) {
    for (std::uint64_t s = 0; s < seeds; ++s) {
      const DiskLog::Cut cut{.after = place, .loss = GetParam(), .seed = base_seed() * 1'000'003 + place * 31 + s};
      SCOPED_TRACE("after " + std::to_string(place) + " entries, seed " + std::to_string(cut.seed) + ": " +
                   (place == 0 ? "" : recording_->log().describe(place - 1)));
      const TemporaryFolder folder(TemporaryFolder::Place::memory);
      recording_->log().leave(cut, folder.path());
      const auto expected = recording_->after(place);
      const bool twice = cuts % 8 == 0;
      check_recovered(folder.path(), expected.possible, expected.now, twice ? std::optional(cut.seed) : std::nullopt);
      ++cuts;
      second_cuts += twice ? 1 : 0;
      if (HasFailure()) return;
    }
  }
  std::cout << "power cuts, " << to_string(GetParam()) << ": " << chosen.size() << " of "
            << recording_->log().size() + 1 << " places x " << seeds << " seeds, " << second_cuts
            << " of them with a second one while recovering; " << cuts + second_cuts << " stores opened again\n";
}

INSTANTIATE_TEST_SUITE_P(Losses, PowerCutTest, testing::ValuesIn(DiskLog::kLosses),
                         [](const auto& row) { return std::string(to_string(row.param)); });

}  // namespace
}  // namespace s3link::sqlite_store
