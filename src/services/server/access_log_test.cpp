#include "services/server/access_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace s3link::server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class AccessLogTest : public testing::Test {
 protected:
  static ports::HttpRequestHead request(std::string target, std::string host = "s3.test") {
    return {"GET", std::move(target), {{"Host", std::move(host)}, {"User-Agent", "curl \"8\""}}, "192.0.2.7", false};
  }
  static RequestRecord refused() {
    RequestRecord record;
    record.received = *parse_iso8601("2026-01-02T03:04:05Z");
    record.request_id = "0123456789ABCDEF";
    record.status = 403;
    record.error_code = "AccessDenied";
    record.total = std::chrono::microseconds(2900);
    return record;
  }
  static RequestRecord authenticated() {
    RequestRecord record = refused();
    record.bucket = "file-exchange";
    record.key = "k";
    record.requester = "AKIA";
    record.status = 200;
    record.error_code = "";
    return record;
  }
  std::string line(const ports::HttpRequestHead& head, const RequestRecord& record) {
    log.finished(head, record);
    return log.take().lines.text;
  }

  AccessLog log{{.bucket = *s3::BucketName::parse("file-exchange"), .region = "eu-west-1", .domain = "s3.test"}};
};

TEST_F(AccessLogTest, AnAnsweredRequestIsALineOfWhatIsKnown) {
  RequestRecord record = refused();
  record.bucket = "file-exchange";
  record.key = "a b";
  record.requester = "AKIA";
  record.presigned = true;
  record.status = 200;
  record.error_code = "";
  record.bytes_sent = 5;
  record.object_size = 50;
  record.turn_around = std::chrono::microseconds(1999);
  record.host_id = "H/+";
  ports::HttpRequestHead head = request("/file-exchange/a%20b?X-Amz-Signature=abc");
  head.tls_version = "TLSv1.3";
  head.tls_cipher = "TLS_AES_256_GCM_SHA384";
  EXPECT_EQ(line(head, record),
            "s3link file-exchange [02/Jan/2026:03:04:05 +0000] 192.0.2.7 AKIA 0123456789ABCDEF REST.GET.OBJECT a%2520b "
            "\"GET /file-exchange/a%20b?X-Amz-Signature=- HTTP/1.1\" 200 - 5 50 2 1 \"-\" \"curl %228%22\" - H/+ SigV4 "
            "TLS_AES_256_GCM_SHA384 QueryString s3.test TLSv1.3 - - eu-west-1\n");
}

TEST_F(AccessLogTest, ARefusedRequestIsNamedByItsPath) {
  const std::string text = line(request("/file-exchange/a%20b/c"), refused());
  EXPECT_THAT(text,
              StartsWith("s3link file-exchange [02/Jan/2026:03:04:05 +0000] 192.0.2.7 - 0123456789ABCDEF "
                         "REST.GET.OBJECT a%2520b/c \"GET /file-exchange/a%20b/c HTTP/1.1\" 403 AccessDenied - "));
  EXPECT_THAT(text, EndsWith(" - - - - s3.test - - - eu-west-1\n"));
}

TEST_F(AccessLogTest, ARefusedRequestIsNamedByItsHost) {
  EXPECT_THAT(line(request("/k?acl", "file-exchange.s3.test:9000"), refused()), HasSubstr(" REST.GET.ACL k "));
}

TEST_F(AccessLogTest, ABrokenEscapeIsLoggedAsItStands) {
  EXPECT_THAT(line(request("/file-exchange/%zz"), refused()),
              HasSubstr(" %2525zz \"GET /file-exchange/%zz HTTP/1.1\""));
}

TEST_F(AccessLogTest, OtherBucketsAndOurOwnPathsAreNotLogged) {
  for (const auto* const target : {"/other/k", "/", "/_/readyz", "/file-exchange-access-logs/k", "*"}) {
    EXPECT_EQ(line(request(target), refused()), "") << target;
  }
  RequestRecord record = refused();
  record.bucket = "other";
  EXPECT_EQ(line(request("/k", "other.s3.test"), record), "");
}

TEST_F(AccessLogTest, AFullLogDropsAndCounts) {
  for (std::size_t i = 0; i < AccessLog::kMaxLines + 3; ++i) log.finished(request("/file-exchange/k"), authenticated());
  auto taken = log.take();
  EXPECT_EQ(taken.lines.count, AccessLog::kMaxLines);
  EXPECT_EQ(taken.dropped, 3U);
  EXPECT_EQ(taken.refused, 0U);
  log.finished(request("/file-exchange/k"), authenticated());
  EXPECT_TRUE(log.empty()) << "what was taken counts until it is kept";
  log.kept();
  log.finished(request("/file-exchange/k"), authenticated());
  taken = log.take();
  EXPECT_EQ(taken.lines.count, 1U);
  EXPECT_EQ(taken.dropped, 1U);
  EXPECT_EQ(log.lost(), 4U) << "of the whole time";
}

TEST_F(AccessLogTest, LongLinesFillItByTheirBytes) {
  const std::string key(100'000, 'k');
  for (int i = 0; i < 1000; ++i) log.finished(request("/file-exchange/" + key), authenticated());
  const auto taken = log.take();
  EXPECT_LE(taken.lines.text.size(), AccessLog::kMaxBytes);
  EXPECT_EQ(taken.lines.count + taken.dropped, 1000U);
  EXPECT_GT(taken.dropped, 0U);
}

TEST_F(AccessLogTest, NoFloodOfRefusedRequestsCostsAnAuthenticatedLine) {
  std::uint64_t dropped = 0;
  std::uint64_t kept = 0;
  std::string text;
  for (int n = 0; n < 100; ++n) {
    for (int i = 0; i < 50; ++i) log.finished(request("/file-exchange/" + std::string(1000, '\xFF')), refused());
    log.finished(request("/file-exchange/k"), authenticated());
    if (n % 10 != 9) continue;
    auto taken = log.take();
    log.kept();
    text += taken.lines.text;
    kept += taken.lines.count;
    dropped += taken.refused;
    EXPECT_EQ(taken.dropped, taken.refused);
  }
  int found = 0;
  for (std::size_t at = 0; (at = text.find(" AKIA ", at)) != std::string::npos; ++at) ++found;
  EXPECT_EQ(found, 100);
  EXPECT_EQ(kept + dropped, 100U * 51U);
  EXPECT_EQ(log.lost(), 0U);
  EXPECT_EQ(log.refused_lost(), dropped);
}

TEST_F(AccessLogTest, RefusedRequestsTakeAPartOfTheDiskHoweverLongTheFlood) {
  constexpr std::uint64_t kMost = 1 << 20;
  AccessLog small({.bucket = *s3::BucketName::parse("file-exchange"),
                   .region = "eu-west-1",
                   .domain = "",
                   .max_bytes = kMost,
                   .object_ttl = std::chrono::hours(100)});
  std::size_t bytes = 0;
  RequestRecord record = refused();
  for (int hour = 0; hour < 100; ++hour) {
    for (int i = 0; i < 100; ++i) small.finished(request("/file-exchange/k"), record);
    bytes += small.take().lines.text.size();
    small.kept();
    record.received += std::chrono::hours(1);
  }
  EXPECT_LE(bytes, kMost * 5 / 16);
  EXPECT_GT(bytes, kMost / 4);
}

TEST_F(AccessLogTest, WhatIsGivenBackComesFirstAndStaysWhatItWas) {
  log.finished(request("/file-exchange/refused"), refused());
  log.finished(request("/file-exchange/first"), authenticated());
  auto taken = log.take();
  EXPECT_EQ(taken.lines.count, 2U);
  log.finished(request("/file-exchange/second"), authenticated());
  log.give_back(std::move(taken.lines));
  auto again = log.take().lines;
  EXPECT_EQ(again.count, 3U);
  EXPECT_LT(again.text.find("/first "), again.text.find("/second "));
  EXPECT_LT(again.text.find("/second "), again.text.find("/refused "));
  log.give_back(std::move(again));
  for (std::size_t i = 0; i < 2 * AccessLog::kMaxRefusedLines; ++i)
    log.finished(request("/file-exchange/k"), refused());
  EXPECT_EQ(log.take().lines.count, 2U + AccessLog::kMaxRefusedLines) << "the one given back counts";
}

TEST_F(AccessLogTest, TheFirstLineWakes) {
  int woken = 0;
  log.on_first_line([&] { ++woken; });
  log.finished(request("/file-exchange/a"), refused());
  log.finished(request("/file-exchange/b"), refused());
  log.finished(request("/other/b"), refused());
  EXPECT_EQ(woken, 1);
  log.take();
  log.finished(request("/file-exchange/c"), refused());
  EXPECT_EQ(woken, 2);
}

TEST_F(AccessLogTest, ManyThreadsLoseNothing) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) log.finished(request("/file-exchange/k"), authenticated());
    });
  }
  for (auto& thread : threads) thread.join();
  const auto lines = log.take().lines;
  EXPECT_EQ(lines.count, 2000U);
  EXPECT_EQ(std::ranges::count(lines.text, '\n'), 2000);
}

}  // namespace
}  // namespace s3link::server
