#include <algorithm>

#include "contract/subjects.hpp"
#include "core/base/digest.hpp"

namespace s3link::contract {
namespace {

constexpr std::size_t kPart = 5 * 1024 * 1024;

class UploadContract : public BucketStoreContract {
 protected:
  std::string begin(std::string_view key = "key", ports::ObjectHeaders headers = {}) {
    const auto upload = run_sync(store().create_upload(bucket_name(), {.upload_id = {},
                                                                       .key = object_key(key),
                                                                       .initiated = at_second(10),
                                                                       .headers = std::move(headers),
                                                                       .checksum_algorithm = "CRC32"}));
    EXPECT_TRUE(upload);
    return upload ? upload->upload_id : "";
  }
  Result<ports::PartInfo> add(const std::string& upload_id, unsigned number, std::string bytes,
                              std::string_view key = "key") {
    auto body = run_sync(write_body(store(), std::move(bytes)));
    if (!body) return std::unexpected(body.error());
    return run_sync(store().put_part(bucket_name(), object_key(key), upload_id, number, std::nullopt, at_second(11),
                                     std::move(*body)));
  }
  static ports::CompleteUpload completion(const std::string& upload_id, std::vector<ports::CompletePart> parts,
                                          std::string_view key = "key") {
    return {.bucket = bucket_name(),
            .key = object_key(key),
            .upload_id = upload_id,
            .parts = std::move(parts),
            .checksum = std::nullopt,
            .modified = at_second(20),
            .removed_at = std::nullopt,
            .event = std::nullopt,
            .condition = {}};
  }
  static std::string etag(const std::string& bytes) { return hex_encode(md5(bytes)); }
};

TEST_P(UploadContract, PartsBecomeOneObject) {
  const std::string one = pattern(kPart, 1);
  const std::string two = pattern(kPart + 123, 2);
  const std::string three = pattern(10, 3);
  const ports::ObjectHeaders headers = {.content_type = "video/mp4",
                                        .cache_control = {},
                                        .content_disposition = {},
                                        .content_encoding = {},
                                        .content_language = {},
                                        .expires = {},
                                        .metadata = {{"who", "me"}}};
  const std::string id = begin("key", headers);
  ASSERT_TRUE(add(id, 9, three));  // in any order, numbers with gaps
  ASSERT_TRUE(add(id, 2, one));
  ASSERT_TRUE(add(id, 5, two));
  EXPECT_EQ(text_or_code("key"), "NoSuchKey");

  auto request = completion(id, {{2, etag(one), {}}, {5, etag(two), {}}, {9, etag(three), {}}});
  request.event = ports::EventOrigin{.event_name = "ObjectCreated:CompleteMultipartUpload",
                                     .region = "r",
                                     .principal = "p",
                                     .source_ip = "::1",
                                     .request_id = "R"};
  const auto made = run_sync(store().complete_upload(request));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->etag, hex_encode(md5(md5(one) + md5(two) + md5(three))) + "-3");
  EXPECT_EQ(made->size_bytes, one.size() + two.size() + three.size());
  EXPECT_EQ(subject_->event_count(), 1U);

  subject_->reopen();
  const auto info = run_sync(store().head_object(bucket_name(), object_key("key")));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->headers, headers);
  EXPECT_EQ(info->part_sizes, (std::vector<std::uint64_t>{one.size(), two.size(), three.size()}));
  EXPECT_FALSE(info->sha256);
  EXPECT_TRUE(text_or_code("key") == one + two + three);
  EXPECT_EQ(run_sync(store().object_sha256(bucket_name(), object_key("key"), made->sequencer)),
            sha256(one + two + three));
  EXPECT_EQ(run_sync(store().head_upload(bucket_name(), object_key("key"), id)).error().code, "NoSuchUpload");

  // A range over the seams.
  auto object = run_sync(store().open_object(bucket_name(), object_key("key")));
  ASSERT_TRUE(object);
  std::string out(200, '?');
  const std::uint64_t from = one.size() - 100;
  ASSERT_EQ(*run_sync(object->body->read_at(from, std::as_writable_bytes(std::span(out)))), out.size());
  EXPECT_TRUE(out == (one + two).substr(from, 200));
}

TEST_P(UploadContract, RepeatedCompletionGivesTheSameObject) {
  const std::string id = begin();
  ASSERT_TRUE(add(id, 1, "only"));
  const auto request = completion(id, {{1, etag("only"), {}}});
  const auto first = run_sync(store().complete_upload(request));
  subject_->reopen();
  const auto second = run_sync(store().complete_upload(request));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->sequencer, second->sequencer);
  EXPECT_EQ(first->etag, second->etag);
  EXPECT_EQ(second->part_sizes, (std::vector<std::uint64_t>{4}));
}

TEST_P(UploadContract, WrongCompletionsAreRefusedAndChangeNothing) {
  const std::string big = pattern(kPart);
  const std::string id = begin();
  ASSERT_TRUE(add(id, 1, big));
  ASSERT_TRUE(add(id, 2, "small"));
  ASSERT_TRUE(add(id, 3, "last"));
  ASSERT_TRUE(add(id, 4, big));
  const auto code = [&](std::vector<ports::CompletePart> parts) {
    const auto done = run_sync(store().complete_upload(completion(id, std::move(parts))));
    return done ? "" : done.error().code;
  };
  EXPECT_EQ(code({}), "InvalidPart");
  EXPECT_EQ(code({{1, etag(big), {}}, {5, etag("x"), {}}}), "InvalidPart");
  EXPECT_EQ(code({{1, etag("other"), {}}}), "InvalidPart");
  EXPECT_EQ(code({{4, etag(big), {}}, {1, etag(big), {}}}), "InvalidPartOrder");
  EXPECT_EQ(code({{1, etag(big), {}}, {1, etag(big), {}}}), "InvalidPartOrder");
  EXPECT_EQ(code({{1, etag(big), {}}, {2, etag("small"), {}}, {3, etag("last"), {}}}), "EntityTooSmall");
  EXPECT_EQ(text_or_code("key"), "NoSuchKey");
  EXPECT_EQ(run_sync(store().list_parts(bucket_name(), object_key("key"), id, 0, 100))->size(), 4U);
  EXPECT_EQ(code({{1, etag(big), {}}, {3, etag("last"), {}}}), "");
  EXPECT_TRUE(text_or_code("key") == big + "last");
}

TEST_P(UploadContract, PartIsReplacedByItsNumber) {
  const std::string id = begin();
  ASSERT_TRUE(add(id, 1, pattern(100'000)));
  ASSERT_TRUE(add(id, 1, "second"));
  const auto parts = run_sync(store().list_parts(bucket_name(), object_key("key"), id, 0, 100));
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 1U);
  EXPECT_EQ((*parts)[0].etag, etag("second"));
  EXPECT_EQ((*parts)[0].size_bytes, 6U);
  EXPECT_EQ((*parts)[0].modified, at_second(11));
}

TEST_P(UploadContract, PartsAreListedInPages) {
  const std::string id = begin();
  for (const unsigned number : {7U, 1U, 10'000U, 3U}) ASSERT_TRUE(add(id, number, std::to_string(number)));
  const auto numbers = [&](unsigned after, std::size_t most) {
    std::vector<unsigned> out;
    const auto parts = run_sync(store().list_parts(bucket_name(), object_key("key"), id, after, most));
    for (const auto& part : *parts) out.push_back(part.number);
    return out;
  };
  EXPECT_EQ(numbers(0, 2), (std::vector<unsigned>{1, 3}));
  EXPECT_EQ(numbers(3, 2), (std::vector<unsigned>{7, 10'000}));
  EXPECT_EQ(numbers(10'000, 2), (std::vector<unsigned>{}));
}

TEST_P(UploadContract, PartChecksumsAreKept) {
  const std::string id = begin();
  auto body = run_sync(write_body(store(), "text"));
  ASSERT_TRUE(body);
  const ports::ObjectChecksum checksum{.algorithm = "CRC32", .value = "1234", .composite = false};
  ASSERT_TRUE(
      run_sync(store().put_part(bucket_name(), object_key("key"), id, 1, checksum, at_second(1), std::move(*body))));
  const auto parts = run_sync(store().list_parts(bucket_name(), object_key("key"), id, 0, 10));
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->front().checksum, checksum);
  const auto upload = run_sync(store().head_upload(bucket_name(), object_key("key"), id));
  ASSERT_TRUE(upload);
  EXPECT_EQ(upload->checksum_algorithm, "CRC32");
  EXPECT_EQ(upload->initiated, at_second(10));
}

TEST_P(UploadContract, AbortRemovesIt) {
  const std::string id = begin();
  ASSERT_TRUE(add(id, 1, pattern(100'000)));
  ASSERT_TRUE(run_sync(store().abort_upload(bucket_name(), object_key("key"), id)));
  EXPECT_EQ(run_sync(store().abort_upload(bucket_name(), object_key("key"), id)).error().code, "NoSuchUpload");
  EXPECT_EQ(add(id, 2, "late").error().code, "NoSuchUpload");
  EXPECT_EQ(run_sync(store().complete_upload(completion(id, {{1, "x", {}}}))).error().code, "NoSuchUpload");
  EXPECT_EQ(run_sync(store().list_parts(bucket_name(), object_key("key"), id, 0, 10)).error().code, "NoSuchUpload");
}

TEST_P(UploadContract, UploadBelongsToItsKey) {
  const std::string id = begin("key");
  EXPECT_EQ(add(id, 1, "x", "other").error().code, "NoSuchUpload");
}

TEST_P(UploadContract, CompletionObeysConditions) {
  ASSERT_TRUE(put_text("key", "there"));
  const std::string id = begin();
  ASSERT_TRUE(add(id, 1, "new"));
  auto request = completion(id, {{1, etag("new"), {}}});
  request.condition.if_none_exists = true;
  EXPECT_EQ(run_sync(store().complete_upload(request)).error().code, "PreconditionFailed");
  EXPECT_EQ(text_or_code("key"), "there");
  request.condition.if_none_exists = false;
  ASSERT_TRUE(run_sync(store().complete_upload(request)));
  EXPECT_EQ(text_or_code("key"), "new");
}

TEST_P(UploadContract, UploadsAreListedByKeyThenId) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const char* key : {"a/1", "a/2", "b", "b", "b", "c/1", "c/2", "d"}) all.emplace_back(key, begin(key));
  std::ranges::sort(all);
  const auto list = [&](ports::ListUploadsRequest request) {
    return *run_sync(store().list_uploads(std::move(request)));
  };

  const auto whole =
      list({.bucket = bucket_name(), .prefix = {}, .delimiter = {}, .key_marker = {}, .upload_id_marker = {}});
  ASSERT_EQ(whole.uploads.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(whole.uploads[i].key.text(), all[i].first);
    EXPECT_EQ(whole.uploads[i].upload_id, all[i].second);
  }
  EXPECT_FALSE(whole.truncated);

  const auto folders =
      list({.bucket = bucket_name(), .prefix = {}, .delimiter = "/", .key_marker = {}, .upload_id_marker = {}});
  EXPECT_EQ(folders.common_prefixes, (std::vector<std::string>{"a/", "c/"}));
  EXPECT_EQ(folders.uploads.size(), 4U);

  // Page by page, one at a time, with both markers.
  std::vector<std::pair<std::string, std::string>> paged;
  ports::ListUploadsRequest request{.bucket = bucket_name(),
                                    .prefix = {},
                                    .delimiter = {},
                                    .key_marker = {},
                                    .upload_id_marker = {},
                                    .max_uploads = 1};
  for (bool more = true; more;) {
    const auto page = list(request);
    for (const auto& upload : page.uploads) paged.emplace_back(upload.key.text(), upload.upload_id);
    more = page.truncated;
    request.key_marker = paged.back().first;
    request.upload_id_marker = paged.back().second;
  }
  EXPECT_EQ(paged, all);

  request = {.bucket = bucket_name(), .prefix = {}, .delimiter = {}, .key_marker = "b", .upload_id_marker = {}};
  EXPECT_EQ(list(request).uploads.size(), 3U);  // without an id the whole key is behind the marker
  request.delimiter = "/";
  request.key_marker = "a/";
  EXPECT_EQ(list(request).common_prefixes, (std::vector<std::string>{"c/"}));
}

S3LINK_INSTANTIATE_CONTRACT(UploadContract);

}  // namespace
}  // namespace s3link::contract
