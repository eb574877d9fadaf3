#include "services/pipeline/storage_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <vector>

#include "support/fake_clock.hpp"
#include "support/fake_logger.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

/// A disk that answers when the test says so, or at once.
class StorageWatchTest : public testing::Test {
 protected:
  StorageWatchTest() {
    watch_.on_change([this] { ++changes_; });
    asio::co_spawn(io_, watch_.run(), [this](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      ended_ = true;
    });
    settle();
  }
  ~StorageWatchTest() override {
    watch_.stop();
    settle();
    EXPECT_TRUE(ended_);
  }
  void settle() {
    io_.restart();
    io_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    settle();
  }
  void answer() {
    owed_.back()(disk_);
    owed_.pop_back();
    settle();
  }
  std::string objection() const { return watch_.state() ? "" : watch_.state().error().message; }

  asio::io_context io_;
  test_support::FakeClock clock_;
  test_support::FakeLogger logger_;
  Status writable_, disk_;
  bool answers_ = true;
  int asked_ = 0, changes_ = 0;
  std::vector<std::function<void(Status)>> owed_;
  StorageWatch watch_{{.writable = [this] { return writable_; },
                       .probe =
                           [this](std::function<void(Status)> answered) {
                             ++asked_;
                             if (answers_) return answered(disk_);
                             owed_.push_back(std::move(answered));
                           }},
                      clock_,
                      logger_};
  bool ended_ = false;
};

TEST_F(StorageWatchTest, ADiskThatWorksIsAskedEachPeriodAndSaysNothing) {
  for (int look = 0; look < 6; ++look) pass(10s);
  EXPECT_EQ(asked_, 7);
  EXPECT_EQ(objection(), "");
  EXPECT_FALSE(watch_.trouble());
  EXPECT_TRUE(logger_.lines.empty());
}

TEST_F(StorageWatchTest, AFailedProbeIsToldOnceAtOnceAndSoIsItsEnd) {
  disk_ = fail(ErrorKind::internal, "no file can be made in objects/: Permission denied");
  pass(10s);
  const Instant began = clock_.now();
  EXPECT_EQ(objection(), "no file can be made in objects/: Permission denied");
  ASSERT_TRUE(watch_.trouble()) << "not only at the next look";
  EXPECT_EQ(watch_.trouble()->since, began);
  EXPECT_FALSE(watch_.trouble()->unanswered);
  for (int look = 0; look < 5; ++look) pass(10s);
  EXPECT_EQ(watch_.trouble()->since, began);
  EXPECT_THAT(logger_.lines,
              ElementsAre("uploads cannot be stored detail=no file can be made in objects/: Permission denied"));
  disk_ = {};
  pass(10s);
  EXPECT_EQ(objection(), "");
  EXPECT_FALSE(watch_.trouble());
  EXPECT_EQ(logger_.lines.size(), 2U);
  EXPECT_EQ(logger_.lines.back(), "uploads can be stored again");
  EXPECT_EQ(changes_, 2);
}

TEST_F(StorageWatchTest, ADiskWithoutAnAnswerIsTroubleThatGrowsAndIsAskedNoMore) {
  pass(10s);
  answers_ = false;
  pass(10s);
  const int asked = asked_;
  pass(9s);
  EXPECT_EQ(objection(), "") << "it has its time";
  pass(1s);
  EXPECT_EQ(objection(), "the disk of the data folder has not answered for 10 s");
  ASSERT_TRUE(watch_.trouble());
  EXPECT_TRUE(watch_.trouble()->unanswered);
  pass(25s);
  EXPECT_EQ(objection(), "the disk of the data folder has not answered for 35 s");
  EXPECT_EQ(asked_, asked);
  EXPECT_EQ(logger_.lines.size(), 1U);
  answers_ = true;
  answer();
  EXPECT_EQ(objection(), "");
  EXPECT_FALSE(watch_.trouble()) << "at once";
  EXPECT_EQ(logger_.lines.back(), "uploads can be stored again");
  pass(10s);
  EXPECT_GT(asked_, asked);
}

TEST_F(StorageWatchTest, WhatTheStoreKnowsComesFirst) {
  disk_ = fail(ErrorKind::internal, "Input/output error");
  writable_ = fail(ErrorKind::transient, "no space left in the data folder");
  EXPECT_EQ(objection(), "no space left in the data folder") << "at this moment";
  EXPECT_FALSE(watch_.trouble());
  pass(10s);
  ASSERT_TRUE(watch_.trouble());
  EXPECT_EQ(watch_.trouble()->reason, "no space left in the data folder");
  writable_ = {};
  EXPECT_EQ(objection(), "Input/output error");
}

TEST_F(StorageWatchTest, AClockThatIsSetBackDelaysNoProbe) {
  clock_.step(-1h);
  settle();
  pass(10s);
  pass(10s);
  EXPECT_EQ(asked_, 3);
}

}  // namespace
}  // namespace s3link::pipeline
