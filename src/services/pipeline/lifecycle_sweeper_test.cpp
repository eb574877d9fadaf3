#include "services/pipeline/lifecycle_sweeper.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "support/fake_bucket_store.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_logger.hpp"
#include "support/run_sync.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using test_support::run_sync;

class LifecycleSweeperTest : public testing::Test {
 protected:
  LifecycleSweeperTest() { EXPECT_TRUE(run_sync(buckets_.create_bucket(kBucket, clock_.now()))); }
  ~LifecycleSweeperTest() override {
    if (!sweeper_) return;
    sweeper_->stop();
    settle();
    EXPECT_TRUE(ended_);
  }

  void start(std::chrono::seconds object_ttl = 24h) {
    sweeper_ = std::make_unique<LifecycleSweeper>(
        SweepSettings{.bucket = kBucket, .object_ttl = object_ttl, .time = time_}, buckets_, clock_, logger_);
    asio::co_spawn(io_, sweeper_->run(), [this](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      ended_ = true;
    });
    settle();
  }
  void settle() {
    io_.restart();
    io_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    settle();
  }
  void put(const std::string& key, std::optional<Instant> removed_at) {
    auto body = run_sync(buckets_.create_body(0));
    EXPECT_TRUE(run_sync((*body)->finish()));
    EXPECT_TRUE(run_sync(buckets_.put_object({.bucket = kBucket,
                                              .key = *s3::ObjectKey::parse(key),
                                              .headers = {},
                                              .checksum = {},
                                              .modified = clock_.now(),
                                              .removed_at = removed_at,
                                              .event = {},
                                              .condition = {}},
                                             std::move(*body))));
  }
  /// Objects the store still holds and means to remove.
  bool waiting() { return run_sync(buckets_.next_removal())->has_value(); }

  const s3::BucketName kBucket = *s3::BucketName::parse("file-exchange");
  asio::io_context io_;
  test_support::FakeClock clock_;
  test_support::FakeLogger logger_;
  test_support::FakeBucketStore buckets_{clock_};
  std::unique_ptr<LifecycleSweeper> sweeper_;
  std::function<Instant()> time_;
  bool ended_ = false;
};

TEST_F(LifecycleSweeperTest, RemovesWhatIsOverdueAtTheStart) {
  for (int i = 0; i < 401; ++i) put("k" + std::to_string(i), clock_.now() - 1h);
  start();
  EXPECT_FALSE(waiting());
  EXPECT_EQ(logger_.lines,
            (std::vector<std::string>{"expired objects removed count=200", "expired objects removed count=200",
                                      "expired objects removed count=1"}));
  const auto sleeps = clock_.sleeps();
  EXPECT_EQ(std::ranges::count(sleeps, clock_.now()), 2) << "a rest, here of no time, after each full batch";
}

TEST_F(LifecycleSweeperTest, RemovesToTheMoment) {
  put("a", clock_.now() + 30s + 700ms);
  start();
  pass(30s + 699ms);
  EXPECT_TRUE(waiting());
  pass(1ms);
  EXPECT_FALSE(waiting());
}

TEST_F(LifecycleSweeperTest, LooksAtLeastOnceAMinute) {
  start();
  put("a", clock_.now() + 60s);
  pass(60s);
  EXPECT_FALSE(waiting());
}

TEST_F(LifecycleSweeperTest, LooksAsOftenAsObjectsLiveShort) {
  start(3s);
  pass(1s);
  put("a", clock_.now() + 3s);  // it did not know of it while it slept
  pass(2s);
  EXPECT_TRUE(waiting());
  pass(1s);
  EXPECT_FALSE(waiting());
}

TEST_F(LifecycleSweeperTest, WakesForASoonerRemoval) {
  start();
  put("a", clock_.now() + 2s);
  sweeper_->wake();
  settle();
  pass(2s);
  EXPECT_FALSE(waiting());
}

TEST_F(LifecycleSweeperTest, ErrorsAreLoggedAndTriedAgainLater) {
  buckets_.failures["remove_expired"] = {{ErrorKind::internal, "I/O error", ""},
                                         {ErrorKind::internal, "I/O error", ""}};
  buckets_.failures["next_removal"] = {{ErrorKind::transient, "busy", ""}};
  put("a", clock_.now() - 1s);
  start();
  EXPECT_EQ(logger_.lines,
            std::vector<std::string>{"removal of expired objects failed reason=internal detail=I/O error"});
  pass(999ms);
  EXPECT_EQ(logger_.lines.size(), 1U);
  pass(1ms);
  EXPECT_EQ(logger_.lines.size(), 2U);
  pass(2s);
  EXPECT_FALSE(waiting());
  EXPECT_EQ(sweeper_->tally().failed_runs, 3U);
  EXPECT_EQ(sweeper_->tally().runs, 0U);
  EXPECT_EQ(sweeper_->tally().removed_objects, 1U);
  EXPECT_EQ(sweeper_->tally().last_run_unix_ms, 0);
  pass(4s);
  EXPECT_EQ(sweeper_->tally().runs, 1U);
  EXPECT_EQ(sweeper_->tally().last_run_unix_ms, to_unix_ms(clock_.now()));
}

s3::LifecycleRules rules_of_days(std::optional<std::chrono::days> expiration,
                                 std::optional<std::chrono::days> abort_upload) {
  return {{.id = "a",
           .enabled = true,
           .prefix = "",
           .prefix_in_filter = true,
           .expiration = expiration,
           .abort_upload = abort_upload}};
}

TEST_F(LifecycleSweeperTest, RulesThatChangeAreAppliedAtOnce) {
  for (int i = 0; i < 501; ++i) put("k" + std::to_string(i), clock_.now() + 48h);
  start();
  EXPECT_TRUE(run_sync(buckets_.put_lifecycle(kBucket, rules_of_days(std::chrono::days(1), {}))));
  settle();
  EXPECT_EQ(run_sync(buckets_.head_object(kBucket, *s3::ObjectKey::parse("k500")))->removal_rule, "a");
  pass(24h);
  EXPECT_FALSE(waiting());
}

TEST_F(LifecycleSweeperTest, WithoutRulesObjectsGoByTheServersTime) {
  EXPECT_TRUE(run_sync(buckets_.put_lifecycle(kBucket, rules_of_days(std::chrono::days(9), {}))));
  put("a", clock_.now() + 2h);
  start(2h);
  EXPECT_TRUE(run_sync(buckets_.put_lifecycle(kBucket, {})));
  settle();
  EXPECT_EQ(run_sync(buckets_.head_object(kBucket, *s3::ObjectKey::parse("a")))->removed_at, clock_.now() + 2h);
}

TEST_F(LifecycleSweeperTest, OldUploadsAreAborted) {
  for (int i = 0; i < 25; ++i) {
    EXPECT_TRUE(run_sync(buckets_.create_upload(kBucket, {.upload_id = std::to_string(i),
                                                          .key = *s3::ObjectKey::parse("k"),
                                                          .initiated = clock_.now(),
                                                          .headers = {},
                                                          .checksum_algorithm = "",
                                                          .checksum_composite = false})));
  }
  start();
  pass(24h * 7 - 1ms);
  EXPECT_TRUE(logger_.lines.empty());
  pass(1min);
  EXPECT_EQ(logger_.lines,
            (std::vector<std::string>{"incomplete uploads aborted count=10", "incomplete uploads aborted count=10",
                                      "incomplete uploads aborted count=5"}));
  EXPECT_EQ(sweeper_->tally().aborted_uploads, 25U);
}

TEST_F(LifecycleSweeperTest, RemovesByTheTimeThatItIsTold) {
  Instant trusted = clock_.now();
  time_ = [&] { return trusted; };
  put("soon", clock_.now() + 1h);
  put("later", clock_.now() + 3h);
  EXPECT_TRUE(run_sync(buckets_.create_upload(kBucket, {.upload_id = "1",
                                                        .key = *s3::ObjectKey::parse("k"),
                                                        .initiated = clock_.now(),
                                                        .headers = {},
                                                        .checksum_algorithm = "",
                                                        .checksum_composite = false})));
  start();
  clock_.step(24h * 30);
  sweeper_->wake();
  settle();
  EXPECT_TRUE(waiting());
  EXPECT_EQ(clock_.sleeps().back(), clock_.now() + 1min) << "no busy loop for what is due by the other clock";
  trusted += 2h;
  pass(1min);
  EXPECT_EQ(sweeper_->tally().removed_objects, 1U);
  EXPECT_EQ(sweeper_->tally().aborted_uploads, 0U);
  trusted = clock_.now();
  sweeper_->wake();
  settle();
  EXPECT_FALSE(waiting());
  EXPECT_EQ(sweeper_->tally().aborted_uploads, 1U);
}

TEST_F(LifecycleSweeperTest, StopEndsTheSleep) {
  start();
  sweeper_->stop();
  settle();
  EXPECT_TRUE(ended_);
}

}  // namespace
}  // namespace s3link::pipeline
