#include "services/server/access_log_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "support/fake_access_log_journal.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_logger.hpp"
#include "support/fake_random.hpp"
#include "support/run_sync.hpp"

namespace s3link::server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class AccessLogWriterTest : public testing::Test {
 protected:
  ~AccessLogWriterTest() override { end(); }

  void start() {
    writer_ = std::make_unique<AccessLogWriter>(AccessLogWriterSettings{.logs_bucket = *s3::BucketName::parse("logs"),
                                                                        .flush_interval = 60s,
                                                                        .object_ttl = std::chrono::days(90),
                                                                        .max_bytes = max_bytes_},
                                                log_, journal_, clock_, random_, logger_);
    asio::co_spawn(io_, writer_->run(), [this](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      ended_ = true;
    });
    settle();
  }
  void end() {
    if (!writer_) return;
    writer_->stop();
    settle();
    EXPECT_TRUE(ended_);
    writer_.reset();
  }
  void settle() {
    io_.restart();
    io_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    settle();
  }
  static RequestRecord authenticated() {
    RequestRecord record;
    record.requester = "AKIA";
    return record;
  }
  void request(const std::string& key) {
    RequestRecord record = authenticated();
    record.bucket = "file-exchange";
    record.key = key;
    log_.finished({"GET", "/file-exchange/" + key, {}, "192.0.2.7", false}, record);
    settle();
  }

  asio::io_context io_;
  test_support::FakeClock clock_;
  test_support::FakeLogger logger_;
  test_support::FakeRandom random_;
  test_support::FakeAccessLogJournal journal_;
  AccessLog log_{{.bucket = *s3::BucketName::parse("file-exchange"), .region = "us-east-1", .domain = ""}};
  std::uint64_t max_bytes_ = std::uint64_t{1} << 30;
  std::unique_ptr<AccessLogWriter> writer_;
  bool ended_ = false;
};

TEST_F(AccessLogWriterTest, LinesAreKeptWithinASecondOfTheFirst) {
  start();
  request("a");
  EXPECT_EQ(journal_.text(), "");
  pass(400ms);
  request("b");
  pass(100ms);
  EXPECT_THAT(journal_.text(), HasSubstr("/a "));
  EXPECT_THAT(journal_.text(), HasSubstr("/b "));
  EXPECT_TRUE(journal_.objects.empty());
}

TEST_F(AccessLogWriterTest, AnObjectIsMadeWhenTheIntervalIsOver) {
  start();
  request("a");
  pass(500ms);
  request("b");
  pass(59s);
  pass(999ms);
  EXPECT_TRUE(journal_.objects.empty());
  pass(1ms);
  ASSERT_EQ(journal_.objects.size(), 1U);
  const auto& object = journal_.objects.front();
  EXPECT_THAT(object.text, HasSubstr("/a "));
  EXPECT_THAT(object.text, HasSubstr("/b "));
  EXPECT_EQ(object.target.bucket.text(), "logs");
  EXPECT_THAT(object.target.key.text(), testing::MatchesRegex("_access_logs2026-01-02-03-05-05-[0-9A-F]+"));
  EXPECT_EQ(object.target.removed_at, clock_.now() + std::chrono::days(90));
  EXPECT_EQ(journal_.text(), "");
}

TEST_F(AccessLogWriterTest, AnObjectIsMadeWhenEnoughLinesAreTogether) {
  start();
  for (std::size_t i = 0; i < AccessLog::kMaxLines; ++i) {
    log_.finished({"GET", "/file-exchange/k", {}, "192.0.2.7", false}, authenticated());
  }
  settle();
  pass(500ms);
  EXPECT_EQ(journal_.objects.size(), 1U);
}

TEST_F(AccessLogWriterTest, WhatAnEarlierRunLeftBecomesAnObjectAtOnce) {
  ASSERT_TRUE(test_support::run_sync(journal_.append({.text = "old\n", .count = 1}, clock_.now() - 1s)));
  start();
  ASSERT_EQ(journal_.objects.size(), 1U);
  EXPECT_EQ(journal_.objects.front().text, "old\n");
}

TEST_F(AccessLogWriterTest, AClockSetBackHoldsUpNoLine) {
  start();
  request("a");
  clock_.step(-1h);
  pass(500ms);
  EXPECT_THAT(journal_.text(), HasSubstr("/a "));
}

TEST_F(AccessLogWriterTest, AClockSetBackHoldsUpNoObject) {
  start();
  request("a");
  pass(500ms);
  clock_.step(-1h);
  pass(60s);
  ASSERT_EQ(journal_.objects.size(), 1U);
  EXPECT_THAT(journal_.objects.front().text, HasSubstr("/a "));
}

TEST_F(AccessLogWriterTest, AClockSetBackHoldsUpNoOtherAttempt) {
  start();
  journal_.failures["append"] = {{ErrorKind::transient, "disk full", ""}};
  request("a");
  pass(500ms);
  EXPECT_EQ(journal_.text(), "");
  clock_.step(-1h);
  pass(1s);
  EXPECT_THAT(journal_.text(), HasSubstr("/a "));
}

TEST_F(AccessLogWriterTest, StoppingKeepsWhatIsThere) {
  start();
  request("a");
  end();
  EXPECT_THAT(journal_.text(), HasSubstr("/a "));
}

TEST_F(AccessLogWriterTest, AJournalThatFailsIsTriedAgainAndLosesNothing) {
  journal_.failures["append"] = {{ErrorKind::transient, "disk full", ""}, {ErrorKind::transient, "disk full", ""}};
  start();
  request("a");
  pass(500ms);
  EXPECT_EQ(logger_.lines, std::vector<std::string>{"writing the access log failed reason=transient detail=disk full"});
  request("b");
  pass(999ms);
  EXPECT_EQ(logger_.lines.size(), 1U);
  pass(1ms);
  EXPECT_EQ(logger_.lines.size(), 2U);
  pass(2s);
  EXPECT_THAT(journal_.text(), HasSubstr("/a "));
  EXPECT_THAT(journal_.text(), HasSubstr("/b "));
}

TEST_F(AccessLogWriterTest, AnObjectThatCannotBeMadeDoesNotKeepLinesFromTheJournal) {
  start();
  request("a");
  pass(500ms);
  journal_.failures["publish"] = {{ErrorKind::internal, "I/O error", ""}};
  pass(60s);
  EXPECT_TRUE(journal_.objects.empty());
  request("b");
  pass(500ms);
  EXPECT_THAT(journal_.text(), HasSubstr("/b "));
  pass(500ms);
  ASSERT_EQ(journal_.objects.size(), 1U);
  EXPECT_THAT(journal_.objects.front().text, HasSubstr("/b "));
}

TEST_F(AccessLogWriterTest, DroppedLinesAreLogged) {
  start();
  for (std::size_t i = 0; i < AccessLog::kMaxLines + 2; ++i) {
    log_.finished({"GET", "/file-exchange/k", {}, "192.0.2.7", false}, authenticated());
  }
  settle();
  pass(500ms);
  EXPECT_EQ(logger_.lines, std::vector<std::string>{"access log lines dropped count=2 refused_requests=0"});
}

TEST_F(AccessLogWriterTest, DroppedLinesOfRefusedRequestsAreCountedApart) {
  start();
  for (std::size_t i = 0; i < AccessLog::kMaxRefusedLines + 2; ++i) {
    log_.finished({"GET", "/file-exchange/k", {}, "192.0.2.7", false}, RequestRecord{});
  }
  settle();
  pass(500ms);
  EXPECT_EQ(logger_.lines, std::vector<std::string>{"access log lines dropped count=2 refused_requests=2"});
}

TEST_F(AccessLogWriterTest, LinesThatTheDatabaseLostAreTold) {
  start();
  request("a");
  pass(500ms);
  journal_.damaged = 2;
  pass(60s);
  ASSERT_EQ(logger_.lines.size(), 1U);
  EXPECT_EQ(logger_.lines.front(), "access log lines are lost: their rows in the database are damaged rows=2");
}

TEST_F(AccessLogWriterTest, TheOldestObjectsGoWhenAllHoldTooMuch) {
  max_bytes_ = 500;
  start();
  for (const auto* const key : {"a", "b", "c", "d"}) {
    request(key);
    pass(500ms);
    pass(60s);
  }
  ASSERT_FALSE(journal_.objects.empty());
  EXPECT_LT(journal_.objects.size(), 4U);
  EXPECT_THAT(journal_.objects.back().text, HasSubstr("/d "));
  ASSERT_FALSE(logger_.lines.empty());
  EXPECT_EQ(logger_.lines.front(), "oldest access logs removed: access_log.max_bytes is reached objects=1");
}

}  // namespace
}  // namespace s3link::server
