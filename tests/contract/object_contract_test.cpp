#include <set>

#include "contract/subjects.hpp"
#include "core/base/digest.hpp"

namespace s3link::contract {
namespace {

using std::chrono::seconds;

class ObjectContract : public BucketStoreContract {
 protected:
  static ports::EventOrigin origin() {
    return {.event_name = "ObjectCreated:Put",
            .region = "us-east-1",
            .principal = "AKID",
            .source_ip = "::1",
            .request_id = "R"};
  }
};

TEST_P(ObjectContract, PutGivesTheDigestsAndEverythingComesBack) {
  ports::PutObject request = put_request("some/key");
  request.headers = {.content_type = "text/plain; charset=\"utf-8\"",
                     .cache_control = "no-store",
                     .content_disposition = "attachment; filename=\"\xC3\xA4.txt\"",
                     .content_encoding = "gzip",
                     .content_language = "de",
                     .expires = "Thu, 01 Dec 2033 16:00:00 GMT",
                     .metadata = {{"a", "1"}, {"quote", "\" \\ \n"}, {"latin", "\xE4"}, {"empty", ""}}};
  request.checksum = {.algorithm = "CRC32", .value = "AAAAAA==", .composite = false};
  request.removed_at = subject_->clock.now() + seconds(60);
  const auto made = run_sync(put(store(), request, "hello"));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->etag, hex_encode(md5("hello")));
  subject_->reopen();

  const auto info = run_sync(store().head_object(bucket_name(), object_key("some/key")));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->key.text(), "some/key");
  EXPECT_EQ(info->size_bytes, 5U);
  EXPECT_EQ(info->etag, made->etag);
  EXPECT_EQ(info->modified, request.modified);
  EXPECT_EQ(info->removed_at, request.removed_at);
  EXPECT_EQ(info->sequencer, made->sequencer);
  EXPECT_EQ(info->headers, request.headers);
  EXPECT_EQ(info->checksum, request.checksum);
  EXPECT_EQ(info->sha256, sha256("hello"));
  EXPECT_TRUE(info->part_sizes.empty());
  EXPECT_EQ(text_or_code("some/key"), "hello");
}

TEST_P(ObjectContract, EmptyObject) {
  const auto made = put_text("empty", "");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->etag, "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(text_or_code("empty"), "");
}

TEST_P(ObjectContract, OverwritingReplacesAndRaisesTheSequencer) {
  const auto first = put_text("key", "first");
  const auto second = put_text("key", pattern(40'000));
  const auto third = put_text("key", "third");
  ASSERT_TRUE(first && second && third);
  EXPECT_LT(first->sequencer, second->sequencer);
  EXPECT_LT(second->sequencer, third->sequencer);
  EXPECT_EQ(text_or_code("key"), "third");
}

TEST_P(ObjectContract, MissingKeyIsNotFound) {
  EXPECT_EQ(run_sync(store().head_object(bucket_name(), object_key("none"))).error().code, "NoSuchKey");
  EXPECT_EQ(run_sync(store().open_object(bucket_name(), object_key("none"))).error().code, "NoSuchKey");
  EXPECT_EQ(run_sync(store().object_sha256(bucket_name(), object_key("none"), "0")).error().kind, ErrorKind::not_found);
}

TEST_P(ObjectContract, KeysAreBytes) {
  const std::vector<std::string> keys = {"a",
                                         "A",
                                         "a/",
                                         "/a",
                                         "a//b",
                                         "../b",
                                         ".",
                                         "..",
                                         " ",
                                         "a b",
                                         "%41",
                                         "\xC3\xA9",
                                         "e\xCC\x81",
                                         "\n",
                                         "'--",
                                         "\x7f",
                                         "\x01",
                                         "\xF0\x9F\x98\x80",
                                         std::string("a\0b", 3),
                                         std::string(1024, 'x'),
                                         std::string(1023, 'x')};
  for (const auto& key : keys) ASSERT_TRUE(put_text(key, "content of " + key)) << key;
  for (const auto& key : keys) EXPECT_EQ(text_or_code(key), "content of " + key);
  const auto page =
      run_sync(store().list_objects({.bucket = bucket_name(), .prefix = {}, .delimiter = {}, .start_after = {}}));
  ASSERT_TRUE(page);
  std::set<std::string> listed;
  for (const auto& info : page->objects) listed.insert(info.key.text());
  EXPECT_EQ(listed, std::set<std::string>(keys.begin(), keys.end()));
}

TEST_P(ObjectContract, ReaderKeepsWhatItOpened) {
  for (const std::size_t size : {std::size_t{100}, std::size_t{300'000}}) {
    const std::string bytes = pattern(size);
    ASSERT_TRUE(put_text("key", bytes));
    auto object = run_sync(store().open_object(bucket_name(), object_key("key")));
    ASSERT_TRUE(object);
    ASSERT_TRUE(run_sync(store().delete_objects(bucket_name(), {object_key("key")})));
    EXPECT_EQ(text_or_code("key"), "NoSuchKey");
    std::string out(1000, '?');
    const auto got = run_sync(object->body->read_at(size / 2, std::as_writable_bytes(std::span(out))));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_TRUE(out.substr(0, *got) == bytes.substr(size / 2, 1000));
  }
}

TEST_P(ObjectContract, AbandonedBodyIsNowhere) {
  {
    auto body = run_sync(write_body(store(), pattern(200'000)));
    ASSERT_TRUE(body);
  }
  EXPECT_EQ(text_or_code("key"), "NoSuchKey");
}

TEST_P(ObjectContract, DeletionNamesWhatExisted) {
  ASSERT_TRUE(put_text("one", "1"));
  ASSERT_TRUE(put_text("two", pattern(50'000)));
  const auto outcomes = run_sync(store().delete_objects(
      bucket_name(), {object_key("two"), object_key("none"), object_key("one"), object_key("one")}));
  ASSERT_TRUE(outcomes);
  ASSERT_EQ(outcomes->size(), 4U);
  EXPECT_EQ((*outcomes)[0].key.text(), "two");
  EXPECT_TRUE((*outcomes)[0].existed);
  EXPECT_FALSE((*outcomes)[1].existed);
  EXPECT_TRUE((*outcomes)[2].existed);
  EXPECT_FALSE((*outcomes)[3].existed);
  EXPECT_EQ(text_or_code("one"), "NoSuchKey");
}

struct ConditionCase {
  std::string name;
  bool present;
  bool if_none_exists;
  std::optional<std::string> if_match;  ///< "ETAG": that of the object
  std::string want;                     ///< error code; empty: written
};
const std::vector<ConditionCase> kConditionCases = {
    {"none_exists_absent", false, true, {}, ""},          {"none_exists_present", true, true, {}, "PreconditionFailed"},
    {"match_present", true, false, "ETAG", ""},           {"match_other", true, false, "0123", "PreconditionFailed"},
    {"match_absent", false, false, "0123", "NoSuchKey"},  {"match_any_present", true, false, "*", ""},
    {"match_any_absent", false, false, "*", "NoSuchKey"},
};

TEST_P(ObjectContract, ConditionsAreMetOrNothingIsWritten) {
  for (const auto& row : kConditionCases) {
    SCOPED_TRACE(row.name);
    ports::PutObject request = put_request(row.name);
    if (row.present) {
      const auto there = put_text(row.name, "before");
      ASSERT_TRUE(there);
      if (row.if_match == "ETAG") request.condition.if_match = there->etag;
    }
    request.condition.if_none_exists = row.if_none_exists;
    if (row.if_match && row.if_match != "ETAG") request.condition.if_match = row.if_match;
    const auto done = run_sync(put(store(), request, "after"));
    EXPECT_EQ(done ? "" : done.error().code, row.want);
    EXPECT_EQ(text_or_code(row.name), done ? "after" : row.present ? "before" : "NoSuchKey");
  }
}

TEST_P(ObjectContract, EventIsCommittedWithItsObjectOnly) {
  ASSERT_TRUE(put_text("silent", "x"));
  EXPECT_EQ(subject_->event_count(), 0U);
  ports::PutObject request = put_request("loud");
  request.event = origin();
  ASSERT_TRUE(run_sync(put(store(), request, "x")));
  EXPECT_EQ(subject_->event_count(), 1U);
  request.condition.if_none_exists = true;
  ASSERT_FALSE(run_sync(put(store(), request, "y")));
  EXPECT_EQ(subject_->event_count(), 1U);
  subject_->reopen();
  EXPECT_EQ(subject_->event_count(), 1U);
}

TEST_P(ObjectContract, ExpiredObjectsAreNotFoundAndThenRemoved) {
  const Instant now = subject_->clock.now();
  for (int i = 0; i < 5; ++i) {
    ports::PutObject request = put_request("k" + std::to_string(i));
    request.removed_at = now + seconds(10 * (i + 1));
    ASSERT_TRUE(run_sync(put(store(), request, i % 2 == 0 ? "small" : pattern(20'000))));
  }
  ASSERT_TRUE(put_text("forever", "x"));
  EXPECT_EQ(*run_sync(store().next_removal()), now + seconds(10));
  EXPECT_EQ(*run_sync(store().remove_expired(now + seconds(9), 100)), 0U);

  subject_->clock.set(now + seconds(30));  // k0, k1 and k2 are over
  EXPECT_EQ(text_or_code("k2"), "NoSuchKey");
  EXPECT_EQ(run_sync(store().head_object(bucket_name(), object_key("k0"))).error().code, "NoSuchKey");
  const auto page =
      run_sync(store().list_objects({.bucket = bucket_name(), .prefix = {}, .delimiter = {}, .start_after = {}}));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->objects.size(), 3U);

  EXPECT_EQ(*run_sync(store().remove_expired(now + seconds(30), 2)), 2U);
  EXPECT_EQ(*run_sync(store().remove_expired(now + seconds(30), 2)), 1U);
  EXPECT_EQ(*run_sync(store().remove_expired(now + seconds(30), 2)), 0U);
  EXPECT_EQ(*run_sync(store().next_removal()), now + seconds(40));
  EXPECT_EQ(text_or_code("k4"), "small");
}

TEST_P(ObjectContract, ExpiredObjectDoesNotStopANewOne) {
  ports::PutObject request = put_request("key");
  request.removed_at = subject_->clock.now() + seconds(1);
  ASSERT_TRUE(run_sync(put(store(), request, "old")));
  subject_->clock.advance(seconds(2));
  request.removed_at.reset();
  request.condition.if_none_exists = true;
  ASSERT_TRUE(run_sync(put(store(), request, "new")));
  EXPECT_EQ(text_or_code("key"), "new");
  EXPECT_FALSE(run_sync(store().next_removal())->has_value());
}

TEST_P(ObjectContract, Sha256IsThatOfTheVersionAsked) {
  const auto first = put_text("key", "first");
  const auto second = put_text("key", "second");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(run_sync(store().object_sha256(bucket_name(), object_key("key"), second->sequencer)), sha256("second"));
  EXPECT_EQ(run_sync(store().object_sha256(bucket_name(), object_key("key"), first->sequencer)).error().kind,
            ErrorKind::not_found);
}

TEST_P(ObjectContract, IsWritable) { EXPECT_TRUE(store().writable()); }

S3LINK_INSTANTIATE_CONTRACT(ObjectContract);

}  // namespace
}  // namespace s3link::contract
