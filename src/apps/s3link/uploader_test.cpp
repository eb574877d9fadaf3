#include "apps/s3link/uploader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "support/fake_clock.hpp"
#include "support/fake_random.hpp"
#include "support/fake_s3_client.hpp"
#include "support/run_sync.hpp"

namespace s3link::app {
namespace {
using test_support::run_sync;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kMiB = 1 << 20;

class UploaderTest : public testing::Test {
 protected:
  UploaderTest() { clock_.skip_sleep(); }
  ~UploaderTest() override { std::filesystem::remove(path_); }

  InputFile file_of(std::size_t bytes) {
    content_.resize(bytes);
    for (std::size_t i = 0; i < bytes; ++i) content_[i] = static_cast<char>(i * 31 + i / 997);
    std::ofstream(path_, std::ios::binary) << content_;
    return std::move(*InputFile::open(path_));
  }
  Result<UploadedObject> upload(const InputFile& file) {
    return run_sync(uploader_.upload(file, "a b/é", "text/plain"));
  }

  static constexpr const char* kPath = "/files/a%20b/%C3%A9";
  const std::string path_ = testing::TempDir() + "uploader-test-" + std::to_string(::getpid());
  std::string content_;
  std::int64_t sent_ = 0;
  test_support::FakeClock clock_;
  test_support::FakeRandom random_;
  test_support::FakeS3Client http_{clock_};
  const ServerAccess access_{.scheme = "http",
                             .address = {"127.0.0.1", 9000},
                             .public_url = {},
                             .region = "us-east-1",
                             .credentials = {"AKID", Secret("secret-key"), Secret()},
                             .advice = "start the server with: s3link serve"};
  ApiClient api_{access_, "us-east-1", http_, clock_, random_};
  Uploader uploader_{api_, "files", [this](std::int64_t bytes) { sent_ += bytes; }};
};

TEST_F(UploaderTest, SmallFileIsOnePut) {
  const InputFile file = file_of(kMiB + 1);
  const auto got = upload(file);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_THAT(http_.requests, ElementsAre(std::string("PUT ") + kPath));
  EXPECT_EQ(http_.objects[kPath], content_);
  EXPECT_EQ(got->size_bytes, content_.size());
  EXPECT_EQ(got->sequencer, "1");
  EXPECT_EQ(sent_, static_cast<std::int64_t>(content_.size()));
}

TEST_F(UploaderTest, EmptyFileIsOnePut) {
  const InputFile file = file_of(0);
  ASSERT_TRUE(upload(file));
  EXPECT_TRUE(http_.objects.contains(kPath));
}

TEST_F(UploaderTest, LargeFileGoesInPartsFourAtATime) {
  const InputFile file = file_of(64 * kMiB + 5);
  const auto got = upload(file);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_TRUE(http_.objects[kPath] == content_);
  EXPECT_TRUE(http_.uploads.empty());
  EXPECT_EQ(http_.requests.size(), 1u + 5u + 1u);
  EXPECT_LE(http_.most_at_once, 4u);
  EXPECT_GT(http_.most_at_once, 1u);
  EXPECT_FALSE(uploader_.open_upload());
  EXPECT_EQ(sent_ - static_cast<std::int64_t>(content_.size()) < 1000, true);  // parts, and the short completion
}

TEST_F(UploaderTest, FailedPartIsRepeated) {
  const InputFile file = file_of(40 * kMiB);
  http_.failures = {{.match = "partNumber=2", .error = {ErrorKind::transient, "reset", "unknown"}},
                    {.match = "partNumber=2", .status = 503}};
  ASSERT_TRUE(upload(file));
  EXPECT_TRUE(http_.objects[kPath] == content_);
}

TEST_F(UploaderTest, LostAnswerToACompletionIsRepeated) {
  const InputFile file = file_of(20 * kMiB);
  http_.failures = {{.match = "POST /files/a%20b/%C3%A9?uploadId", .status = 503}};
  EXPECT_TRUE(upload(file));
}

TEST_F(UploaderTest, RefusalAbortsTheUpload) {
  const InputFile file = file_of(40 * kMiB);
  http_.failures = {{.match = "partNumber=2", .status = 403}};
  const auto got = upload(file);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::denied);
  EXPECT_TRUE(http_.uploads.empty());
  EXPECT_THAT(http_.requests.back(), HasSubstr("DELETE"));
  EXPECT_FALSE(uploader_.open_upload());
}

TEST_F(UploaderTest, ServerThatDoesNotRunIsReportedAtOnce) {
  const InputFile file = file_of(1);
  http_.failures = {{.match = "PUT", .error = {ErrorKind::transient, "Connection refused", "connection"}}};
  const auto got = upload(file);
  ASSERT_FALSE(got);
  EXPECT_EQ(http_.requests.size(), 1u);
  EXPECT_EQ(got.error().message,
            "nothing answers at http://127.0.0.1:9000 (Connection refused); start the server with: s3link serve");
}

TEST_F(UploaderTest, PutWhoseAnswerWasLostIsNotSentTwice) {
  const InputFile file = file_of(10);
  http_.failures = {{.match = "PUT", .error = {ErrorKind::transient, "timeout", "unknown"}, .after_acting = true}};
  const auto got = upload(file);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->sequencer, "1");
  EXPECT_THAT(http_.requests, ElementsAre(HasSubstr("PUT"), HasSubstr("HEAD")));
}

TEST_F(UploaderTest, PutThatDidNotTakePlaceIsSentAgain) {
  const InputFile file = file_of(10);
  http_.failures = {{.match = "PUT", .error = {ErrorKind::transient, "timeout", "unknown"}}};
  ASSERT_TRUE(upload(file));
  EXPECT_THAT(http_.requests, ElementsAre(HasSubstr("PUT"), HasSubstr("HEAD"), HasSubstr("PUT")));
}

TEST_F(UploaderTest, SameBytesStoredLongBeforeDoNotCount) {
  const InputFile file = file_of(10);
  ASSERT_TRUE(upload(file));
  clock_.advance(std::chrono::minutes(1));
  http_.failures = {{.match = "PUT", .error = {ErrorKind::transient, "timeout", "unknown"}}};
  const auto got = upload(file);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->sequencer, "2");
}

TEST_F(UploaderTest, StreamWithoutLengthGoesInParts) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  content_.assign(40 * kMiB, 'x');
  std::thread writer([&, end = ends[1]] {
    for (std::size_t done = 0; done < content_.size();) {
      const ssize_t count = ::write(end, content_.data() + done, content_.size() - done);
      if (count <= 0) break;
      done += static_cast<std::size_t>(count);
    }
    ::close(end);
  });
  {
    auto file = InputFile::open("/proc/self/fd/" + std::to_string(ends[0]));
    ::close(ends[0]);
    ASSERT_TRUE(file);
    EXPECT_FALSE(file->size());
    const auto got = upload(*file);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->size_bytes, content_.size());
  }
  writer.join();
  EXPECT_TRUE(http_.objects[kPath] == content_);
  EXPECT_EQ(http_.most_at_once, 1u);
}

TEST(InputFile, WhatCannotBeSentIsRefused) {
  EXPECT_EQ(InputFile::open("/nonexistent/x").error().kind, ErrorKind::not_found);
  EXPECT_EQ(InputFile::open("/tmp").error().kind, ErrorKind::invalid_argument);
}

TEST(ContentType, FollowsTheExtension) {
  EXPECT_EQ(content_type_of("report.PDF"), "application/pdf");
  EXPECT_EQ(content_type_of("a.tar.gz"), "application/gzip");
  EXPECT_EQ(content_type_of("README"), "application/octet-stream");
  EXPECT_EQ(content_type_of("x.unknown"), "application/octet-stream");
}

}  // namespace
}  // namespace s3link::app
