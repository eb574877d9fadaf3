#include <gtest/gtest.h>

#include <chrono>

#include "core/event/event_record.hpp"

namespace s3link::event {
namespace {

EventRecord record_of(std::string key) {
  return {.event_name = "ObjectCreated:Put",
          .time = from_unix_ms(1'796'738'405'678),
          .region = "eu-central-1",
          .principal = "AKIAEXAMPLE",
          .source_ip = "192.0.2.7",
          .request_id = "C3D13FE58DE4C810",
          .bucket = "file-exchange",
          .key = std::move(key),
          .size_bytes = 1024,
          .etag = "d41d8cd98f00b204e9800998ecf8427e",
          .version_id = "",
          .sequencer = sequencer_of(42)};
}

TEST(BuildNotification, HasTheLayoutOfAws) {
  // Members, nesting and order of Amazon S3 User Guide, "Event message structure".
  EXPECT_EQ(build_notification(record_of("reports/Q3 report+final.pdf")),
            R"({"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-central-1",)"
            R"("eventTime":"2026-12-08T14:00:05.678Z","eventName":"ObjectCreated:Put",)"
            R"("userIdentity":{"principalId":"AKIAEXAMPLE"},"requestParameters":{"sourceIPAddress":"192.0.2.7"},)"
            R"("responseElements":{"x-amz-request-id":"C3D13FE58DE4C810","x-amz-id-2":"C3D13FE58DE4C810"},)"
            R"("s3":{"s3SchemaVersion":"1.0","configurationId":"s3link","bucket":{"name":"file-exchange",)"
            R"("ownerIdentity":{"principalId":"AKIAEXAMPLE"},"arn":"arn:aws:s3:::file-exchange"},)"
            R"("object":{"key":"reports/Q3+report%2Bfinal.pdf","size":1024,"eTag":"d41d8cd98f00b204e9800998ecf8427e",)"
            R"("sequencer":"000000000000002A"}}}]})");
}

TEST(BuildNotification, IsReadBackAsItWas) {
  std::string every_byte_of_ascii;
  for (char c = 1; c < 127; ++c) every_byte_of_ascii += c;
  for (const std::string& key : {std::string("a"), std::string("a b+c%20&\"'<>*"), std::string("报告/ä📎.pdf"),
                                 std::string(1024, 'k'), every_byte_of_ascii, std::string("nul\0inside", 10)}) {
    const EventRecord record = record_of(key);
    const auto back = parse_notification(build_notification(record));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->records, std::vector{record});
    EXPECT_FALSE(back->is_test_event);
  }
}

TEST(BuildNotification, NamesTheVersionWhereThereIsOne) {
  EventRecord record = record_of("a");
  record.version_id = "096fKKXTRTtl3on89fVO.nfljtsv6qko";
  record.size_bytes = UINT64_MAX;
  EXPECT_EQ(parse_notification(build_notification(record))->records, std::vector{record});
}

TEST(Sequencer, SortsAsItsCommits) {
  EXPECT_EQ(sequencer_of(0), "0000000000000000");
  EXPECT_EQ(sequencer_of(UINT64_MAX), "FFFFFFFFFFFFFFFF");
  EXPECT_LT(sequencer_of(9), sequencer_of(10));
  EXPECT_LT(sequencer_of(255), sequencer_of(256));
}

TEST(ComparableSequencer, IsUpperCaseAndFilledOnTheRight) {
  EXPECT_EQ(comparable_sequencer("0055aed6dcd90281e5"), "0055AED6DCD90281E500000000000000");
  EXPECT_LT(comparable_sequencer("0055AED6DCD90281E5"), comparable_sequencer("0055AED6DCD90281E51"));
  EXPECT_LT(comparable_sequencer("0055AED6DCD90281E51"), comparable_sequencer("0055AED6DCD90281E6"));
  EXPECT_EQ(comparable_sequencer(std::string(32, 'f')), std::string(32, 'F'));
}

TEST(ComparableSequencer, WhatIsNotHexadecimalHasNoOrder) {
  for (const std::string& text : {std::string(), std::string("12g4"), std::string("-1"), std::string(33, '1')}) {
    EXPECT_EQ(comparable_sequencer(text), "") << text;
  }
}

}  // namespace
}  // namespace s3link::event
