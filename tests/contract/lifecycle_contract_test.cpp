#include "contract/subjects.hpp"

namespace s3link::contract {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

s3::LifecycleRule rule(std::string id, std::string prefix, std::optional<days> expiration,
                       std::optional<days> abort_upload = {}, bool enabled = true) {
  return {.id = std::move(id),
          .enabled = enabled,
          .prefix = std::move(prefix),
          .prefix_in_filter = true,
          .expiration = expiration,
          .abort_upload = abort_upload};
}

class LifecycleContract : public BucketStoreContract {
 protected:
  void put_rules(s3::LifecycleRules rules, std::string_view bucket = "bucket") {
    ASSERT_TRUE(run_sync(store().put_lifecycle(bucket_name(bucket), std::move(rules))));
  }
  s3::LifecycleRules rules() { return *run_sync(store().lifecycle(bucket_name())); }
  ports::ObjectInfo write(std::string_view key, std::optional<Instant> removed_at = {}) {
    ports::PutObject request = put_request(key);
    request.modified = now();
    request.removed_at = removed_at;
    return *run_sync(put(store(), std::move(request), "text"));
  }
  ports::ObjectInfo look(std::string_view key) {
    return *run_sync(store().head_object(bucket_name(), object_key(key)));
  }
  /// Applies in batches of `limit`; returns how many it took.
  int apply(std::size_t limit = 500, seconds otherwise = hours(24)) {
    int batches = 1;
    while (*run_sync(store().apply_lifecycle(bucket_name(), otherwise, limit))) ++batches;
    return batches;
  }
  void begin_upload(const std::string& key, const std::string& id) {
    ASSERT_TRUE(run_sync(store().create_upload(bucket_name(), {.upload_id = id,
                                                               .key = object_key(key),
                                                               .initiated = now(),
                                                               .headers = {},
                                                               .checksum_algorithm = "",
                                                               .checksum_composite = false})));
  }
  std::vector<std::string> uploads() {
    ports::ListUploadsRequest all{.bucket = bucket_name(),
                                  .prefix = "",
                                  .delimiter = "",
                                  .key_marker = "",
                                  .upload_id_marker = "",
                                  .max_uploads = 1000};
    std::vector<std::string> keys;
    for (const auto& upload : run_sync(store().list_uploads(all))->uploads) keys.push_back(upload.key.text());
    return keys;
  }
  Instant now() { return subject_->clock.now(); }
};
S3LINK_INSTANTIATE_CONTRACT(LifecycleContract);

TEST_P(LifecycleContract, RulesAreKeptInTheirOrderAndReplacedAsAWhole) {
  EXPECT_TRUE(rules().empty());
  s3::LifecycleRules some = {rule("z", "b/", days(3), days(4)), rule("a", "", {}, days(1), false)};
  some[1].prefix_in_filter = false;
  put_rules(some);
  subject_->reopen();
  EXPECT_EQ(rules(), some);
  put_rules({rule("c", "\xc3\xa4", days(1))});
  EXPECT_EQ(rules(), (s3::LifecycleRules{rule("c", "\xc3\xa4", days(1))}));
  put_rules({});
  EXPECT_TRUE(rules().empty());
}

TEST_P(LifecycleContract, ABucketThatIsNotThereHasNone) {
  EXPECT_EQ(run_sync(store().lifecycle(bucket_name("other"))).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().put_lifecycle(bucket_name("other"), {})).error().code, "NoSuchBucket");
}

TEST_P(LifecycleContract, ADeletedBucketTakesItsRulesAlong) {
  ASSERT_TRUE(run_sync(store().create_bucket(bucket_name("other"), now())));
  put_rules({rule("a", "", days(1))}, "other");
  ASSERT_TRUE(run_sync(store().delete_bucket(bucket_name("other"))));
  ASSERT_TRUE(run_sync(store().create_bucket(bucket_name("other"), now())));
  EXPECT_TRUE(run_sync(store().lifecycle(bucket_name("other")))->empty());
}

TEST_P(LifecycleContract, WritesAreUnderTheRulesAtOnce) {
  put_rules({rule("off", "", days(1), {}, false), rule("all", "", days(9)), rule("a", "a/", days(4)),
             rule("twin", "a/", days(4)), rule("uploads", "", {}, days(1))});
  const auto written = write("a/1", now() + seconds(5));
  EXPECT_EQ(written.removed_at, now() + days(4));
  EXPECT_EQ(written.removal_rule, "a");
  EXPECT_EQ(look("a/1").removal_rule, "a");
  EXPECT_EQ(look("a/1").removed_at, now() + days(4));
  EXPECT_EQ(write("b").removal_rule, "all");
}

TEST_P(LifecycleContract, WhatNoRuleMatchesGoesWhenItsWriterSaid) {
  put_rules({rule("a", "a/", days(4))});
  const auto written = write("b", now() + seconds(5));
  EXPECT_EQ(written.removed_at, now() + seconds(5));
  EXPECT_EQ(written.removal_rule, "");
}

TEST_P(LifecycleContract, OtherBucketsAreNotTouched) {
  ASSERT_TRUE(run_sync(store().create_bucket(bucket_name("other"), now())));
  put_rules({rule("a", "", days(4))}, "other");
  EXPECT_FALSE(write("k").removed_at);
}

TEST_P(LifecycleContract, WhatIsThereIsBroughtUnderTheRules) {
  for (const auto* const key : {"a/1", "a/2", "b", "c"}) write(key, now() + hours(24));
  const Instant written = now();
  subject_->clock.advance(hours(1));
  put_rules({rule("a", "a/", days(4)), rule("c", "c", days(1))});
  EXPECT_EQ(look("a/1").removed_at, written + hours(24)) << "not yet";
  apply();
  EXPECT_EQ(look("a/1").removed_at, written + days(4));
  EXPECT_EQ(look("a/2").removal_rule, "a");
  EXPECT_EQ(look("b").removed_at, written + hours(24));
  EXPECT_EQ(look("b").removal_rule, "");
  EXPECT_EQ(look("c").removal_rule, "c");
  put_rules({});
  apply(500, hours(2));
  EXPECT_EQ(look("a/1").removed_at, written + hours(2));
  EXPECT_EQ(look("a/1").removal_rule, "");
}

TEST_P(LifecycleContract, WhatNoRuleMatchesBeforeOrAfterKeepsItsDate) {
  write("b", now() + hours(24));
  write("for ever");
  write("a/1", now() + hours(24));
  const Instant written = now();
  put_rules({rule("a", "a/", days(4))});
  apply(500, hours(2));  // the setting has changed since
  EXPECT_EQ(look("b").removed_at, written + hours(24));
  EXPECT_EQ(look("for ever").removed_at, std::nullopt);
  put_rules({rule("c", "c/", days(4))});
  apply(500, hours(3));
  EXPECT_EQ(look("b").removed_at, written + hours(24));
  EXPECT_EQ(look("for ever").removed_at, std::nullopt);
  EXPECT_EQ(look("a/1").removed_at, written + hours(3)) << "its rule has gone, and with it the date that was";
}

TEST_P(LifecycleContract, ItIsDoneInBatchesOverARestart) {
  for (int i = 0; i < 25; ++i) write("k" + std::to_string(i), now() + hours(24));
  put_rules({rule("a", "", days(2))});
  ASSERT_TRUE(*run_sync(store().apply_lifecycle(bucket_name(), hours(24), 10)));
  subject_->reopen();
  ASSERT_TRUE(*run_sync(store().apply_lifecycle(bucket_name(), hours(24), 10)));
  apply(10);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(look("k" + std::to_string(i)).removal_rule, "a") << i;
  EXPECT_EQ(apply(10), 1) << "nothing is left to do";
}

TEST_P(LifecycleContract, RulesThatChangeHalfWayAreAppliedToAll) {
  for (int i = 0; i < 10; ++i) write("k" + std::to_string(i), now() + hours(24));
  put_rules({rule("a", "", days(2))});
  ASSERT_TRUE(*run_sync(store().apply_lifecycle(bucket_name(), hours(24), 5)));
  put_rules({rule("b", "", days(3))});
  apply(5);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(look("k" + std::to_string(i)).removal_rule, "b") << i;
}

TEST_P(LifecycleContract, AShorterTimeTakesEffectAndWhatIsGoneStaysGone) {
  write("old", now() + seconds(1));
  write("k", now() + days(9));
  subject_->clock.advance(days(2));
  put_rules({rule("a", "", days(1))});
  apply();
  EXPECT_EQ(text_or_code("k"), "NoSuchKey");
  put_rules({rule("a", "", days(300))});
  apply();
  EXPECT_EQ(text_or_code("k"), "NoSuchKey");
  EXPECT_EQ(text_or_code("old"), "NoSuchKey");
  EXPECT_EQ(*run_sync(store().remove_expired(now(), 10)), 2U);
}

TEST_P(LifecycleContract, AChangeWakesWhoListens) {
  int woken = 0;
  store().on_lifecycle_change([&] { ++woken; });
  put_rules({rule("a", "", days(1))});
  EXPECT_EQ(woken, 1);
  store().on_lifecycle_change({});
  put_rules({});
  EXPECT_EQ(woken, 1);
}

TEST_P(LifecycleContract, UploadsAreAbortedAfterAWeekOrTheRulesTime) {
  put_rules({rule("a", "a/", {}, days(2)), rule("longer", "l/", {}, days(30)), rule("objects", "", days(1))});
  begin_upload("a/1", "u1");
  begin_upload("b", "u2");
  begin_upload("l/1", "u3");
  EXPECT_EQ(*run_sync(store().abort_old_uploads(now() + days(2) - seconds(1), 10)), 0U);
  EXPECT_EQ(*run_sync(store().abort_old_uploads(now() + days(2), 10)), 1U);
  EXPECT_EQ(uploads(), (std::vector<std::string>{"b", "l/1"}));
  EXPECT_EQ(*run_sync(store().abort_old_uploads(now() + days(7), 10)), 1U);
  EXPECT_EQ(*run_sync(store().abort_old_uploads(now() + days(30), 10)), 1U);
  EXPECT_TRUE(uploads().empty());
}

TEST_P(LifecycleContract, UploadsThatAreThereAreBroughtUnderTheRules) {
  for (int i = 0; i < 7; ++i) begin_upload("a", "u" + std::to_string(i));
  begin_upload("b", "u");
  put_rules({rule("a", "a", {}, days(1))});
  apply(3);
  EXPECT_EQ(*run_sync(store().abort_old_uploads(now() + days(1), 4)), 4U) << "the batch is bounded";
  EXPECT_EQ(*run_sync(store().abort_old_uploads(now() + days(1), 4)), 3U);
  EXPECT_EQ(uploads(), std::vector<std::string>{"b"});
}

}  // namespace
}  // namespace s3link::contract
