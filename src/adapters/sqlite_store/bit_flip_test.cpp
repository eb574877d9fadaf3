// One flipped bit anywhere in the database: whoever reads gets an error or the right answer, never wrong bytes or
// headers. By default a sample of the places; S3LINK_DISK_FAULTS=all takes a bit of every byte.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <vector>

#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

constexpr std::int64_t kNow = 1'700'000'000;

ports::EventOrigin an_event() {
  ports::EventOrigin origin;
  origin.event_name = "ObjectCreated:Put";
  return origin;
}

/// Odd, so that all places within a cell are met on one page or another.
constexpr std::size_t kStep = 127;

std::string describe(const ports::ObjectInfo& info) {
  std::ostringstream out;
  out << info.bucket.text() << '/' << info.key.text() << ' ' << info.size_bytes << ' ' << info.etag << ' '
      << to_unix_ms(info.modified) << ' ' << (info.removed_at ? to_unix_ms(*info.removed_at) : 0) << ' '
      << info.removal_rule << ' ' << info.sequencer << ' ' << info.headers.content_type;
  for (const auto& [name, value] : info.headers.metadata) out << ' ' << name << '=' << value;
  if (info.checksum) out << ' ' << info.checksum->algorithm << info.checksum->value << info.checksum->composite;
  if (info.sha256) out << ' ' << hex_encode(*info.sha256);
  for (const std::uint64_t size : info.part_sizes) out << ' ' << size;
  return out.str();
}

/// What every question that a client can ask is answered with. A question that failed is not there.
using Answers = std::map<std::string, std::string>;

class BitFlipTest : public testing::Test {
 protected:
  static Result<std::unique_ptr<Store>> open(const fs::path& folder) {
    StoreHooks hooks;
    hooks.now = [] { return at_second(kNow); };
    return open_store(folder, hooks);
  }

  static void fill(Store& store) {
    ports::BucketStore& buckets = store.buckets();
    for (const char* const name : {"bucket", "second"})
      ASSERT_TRUE(run_sync(buckets.create_bucket(bucket_name(name), at_second(1))));
    ASSERT_TRUE(run_sync(buckets.put_lifecycle(
        bucket_name(),
        {{.id = "rule", .enabled = true, .prefix = "b", .expiration = std::chrono::days(9), .abort_upload = {}}})));
    for (int i = 0; i < 40; ++i) {
      const std::string key = keys()[static_cast<std::size_t>(i)];
      ports::PutObject request = put_request(key);
      request.modified = at_second(kNow);
      request.removed_at = at_second(kNow) + hours(1 + i);
      request.headers.content_type = "text/" + key;
      request.headers.metadata = {{"name", "value of " + key}};
      if (i % 3 == 0) request.checksum = {.algorithm = "CRC32", .value = "AAAAAA==", .composite = false};
      request.event = an_event();
      ASSERT_TRUE(run_sync(put(buckets, std::move(request), pattern(i % 8 == 0 ? 20'000 : 50, 7 + i))));
    }
    for (const char* const key : {"multipart", "unfinished"}) {
      const auto upload = run_sync(buckets.create_upload(bucket_name(), {.upload_id = std::string("id-") + key,
                                                                         .key = object_key(key),
                                                                         .initiated = at_second(kNow),
                                                                         .headers = {},
                                                                         .checksum_algorithm = "",
                                                                         .checksum_composite = false}));
      ASSERT_TRUE(upload);
      auto body = run_sync(write_body(buckets, pattern(30'000, 5)));
      ASSERT_TRUE(body);
      const auto part = run_sync(buckets.put_part(bucket_name(), object_key(key), upload->upload_id, 1, std::nullopt,
                                                  at_second(kNow), std::move(*body)));
      ASSERT_TRUE(part);
      if (key == std::string_view("unfinished")) continue;
      ASSERT_TRUE(run_sync(buckets.complete_upload({.bucket = bucket_name(),
                                                    .key = object_key(key),
                                                    .upload_id = upload->upload_id,
                                                    .parts = {{.number = 1, .etag = part->etag, .checksum = {}}},
                                                    .checksum = {},
                                                    .modified = at_second(kNow),
                                                    .removed_at = {},
                                                    .event = {},
                                                    .condition = {}})));
    }
  }

  static const std::vector<std::string>& keys() {
    static const std::vector<std::string> all = [] {
      std::vector<std::string> made;
      for (int i = 0; i < 40; ++i)
        made.push_back(std::string(1, static_cast<char>('a' + i % 4)) + "/" + std::to_string(i));
      made.emplace_back("multipart");
      return made;
    }();
    return all;
  }

  static Answers ask(Store& store) {
    ports::BucketStore& buckets = store.buckets();
    Answers answers;
    if (const auto all = run_sync(buckets.list_buckets())) {
      std::string& said = answers["buckets"];
      for (const auto& bucket : *all) said += bucket.name.text() + std::to_string(to_unix_ms(bucket.created)) + ' ';
    }
    for (const std::string& key : keys()) {
      if (const auto head = run_sync(buckets.head_object(bucket_name(), object_key(key))))
        answers["head " + key] = describe(*head);
      if (const auto open = run_sync(buckets.open_object(bucket_name(), object_key(key))))
        answers["open " + key] = describe(open->info);
      if (const auto bytes = run_sync(get(buckets, key))) answers["get " + key] = *bytes;
    }
    if (const auto page = run_sync(buckets.list_objects(all_objects()))) {
      for (const auto& object : page->objects) answers["listed " + object.key.text()] = describe(object);
    }
    if (const auto page = run_sync(buckets.list_uploads(all_uploads()))) {
      for (const auto& upload : page->uploads)
        answers["upload " + upload.key.text()] = upload.upload_id + std::to_string(to_unix_ms(upload.initiated));
    }
    if (const auto parts =
            run_sync(buckets.list_parts(bucket_name(), object_key("unfinished"), "id-unfinished", 0, 10))) {
      std::string& said = answers["parts"];
      for (const auto& part : *parts) said += part.etag + std::to_string(part.size_bytes);
    }
    if (const auto rules = run_sync(buckets.lifecycle(bucket_name()))) {
      for (const auto& rule : *rules)
        answers["rule " + rule.id] = rule.prefix + std::to_string(rule.expiration ? rule.expiration->count() : 0);
    }
    return answers;
  }

  TemporaryFolder folder_{TemporaryFolder::Place::memory};
};

TEST_F(BitFlipTest, GivesAnErrorOrTheRightAnswer) {
  const fs::path database = folder_.path() / "s3link.db";
  Answers right;
  {
    const auto store = open(folder_.path());
    ASSERT_TRUE(store) << store.error().message;
    fill(**store);
    right = ask(**store);
  }
  ASSERT_EQ(right.size(), 1 + 3 * keys().size() + keys().size() + 1 + 1 + 1);
  std::ifstream in(database, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  const char* const wanted = std::getenv("S3LINK_DISK_FAULTS");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  const std::size_t step = wanted != nullptr && std::string_view(wanted) == "all" ? 1 : kStep;
  std::size_t opened = 0;
  std::size_t answered = 0;
  std::size_t asked = 0;
  for (std::size_t at = 0; at < whole.size(); at += step) {
    SCOPED_TRACE(testing::Message() << "byte " << at % 4096 << " of page " << at / 4096 + 1);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at / step) % 8));
    for (const char* const suffix : {"-wal", "-shm"}) fs::remove(database.string() + suffix);
    std::ofstream(database, std::ios::binary | std::ios::trunc) << damaged;
    const auto store = open(folder_.path());
    ++asked;
    if (!store) continue;
    ++opened;
    const Answers answers = ask(**store);
    answered += answers.size();
    for (const auto& [question, answer] : answers) {
      const auto expected = right.find(question);
      ASSERT_NE(expected, right.end()) << question << ": " << answer;
      ASSERT_TRUE(answer == expected->second)
          << question << ": " << answer.substr(0, 300) << " for " << expected->second.substr(0, 300);
    }
  }
  // A flip hides little: most of what was asked is answered all the same.
  EXPECT_GT(opened, asked * 9 / 10);
  EXPECT_GT(answered, opened * right.size() * 9 / 10);
}

}  // namespace
}  // namespace s3link::sqlite_store
