#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "core/event/event_record.hpp"

namespace s3link::event {
namespace {

std::string vector_file(const std::string& name) {
  std::ifstream file(std::string(S3LINK_SOURCE_DIR) + "/fuzz/corpus/event_record/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ParseNotification, ReadsTheExampleOfAws) {
  const auto got = parse_notification(vector_file("aws_2_1.json"));
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->records.size(), 1U);
  EXPECT_EQ(got->records[0], (EventRecord{.event_name = "ObjectCreated:Put",
                                          .time = Instant{},
                                          .region = "us-west-2",
                                          .principal = "AIDAJDPLRKLG7UEXAMPLE",
                                          .source_ip = "127.0.0.1",
                                          .request_id = "C3D13FE58DE4C810",
                                          .bucket = "amzn-s3-demo-bucket",
                                          .key = "HappyFace.jpg",
                                          .size_bytes = 1024,
                                          .etag = "d41d8cd98f00b204e9800998ecf8427e",
                                          .version_id = "096fKKXTRTtl3on89fVO.nfljtsv6qko",
                                          .sequencer = "0055AED6DCD90281E5"}));
}

TEST(ParseNotification, ReadsTheWrapperOfMinio) {
  const auto got = parse_notification(vector_file("minio.json"));
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->records.size(), 1U);
  EXPECT_EQ(got->records[0].event_name, "ObjectCreated:Put");
  EXPECT_EQ(got->records[0].bucket, "images");
  EXPECT_EQ(got->records[0].key, "my photo+1.jpg");
  EXPECT_EQ(got->records[0].size_bytes, 2560U);
  EXPECT_EQ(got->records[0].sequencer, "147ABE3E2A7C1D6E");
}

TEST(ParseNotification, ReadsTheTestEvent) {
  const auto got = parse_notification(vector_file("test_event.json"));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_TRUE(got->is_test_event);
  EXPECT_TRUE(got->records.empty());
}

TEST(ParseNotification, ReadsARemovalWithoutSize) {
  const auto got = parse_notification(vector_file("removed.json"));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->records[0].event_name, "ObjectRemoved:Delete");
  EXPECT_EQ(got->records[0].size_bytes, 0U);
}

constexpr std::string_view kGood =
    R"({"Records":[{"eventVersion":"2.6","eventTime":"2026-12-08T14:00:05Z","eventName":"s3:ObjectCreated:Post",)"
    R"("s3":{"bucket":{"name":"b"},"object":{"key":"k","size":1}}}]})";

/// kGood with `from` replaced by `to`.
struct EditCase {
  std::string name, from, to;
  std::string want;  // the error's text; empty: accepted
};
const std::vector<EditCase> kEditCases = {
    {"as_it_is", "", "", ""},
    {"unknown_members", R"("s3":{)", R"("glacierEventData":{"x":[1,{}]},"s3":{"more":null,)", ""},
    {"null_is_absent", R"("size":1)", R"("size":null,"eTag":null,"sequencer":null)", ""},
    {"version_2_0", "2.6", "2.0", ""},
    {"version_2_17", "2.6", "2.17", ""},
    {"version_1", "2.6", "1.0", "Records[0].eventVersion: not 2.x"},
    {"version_3", "2.6", "3.0", "Records[0].eventVersion: not 2.x"},
    {"version_2_alone", "2.6", "2.", "Records[0].eventVersion: not 2.x"},
    {"version_number", R"("2.6")", "2.6", "Records[0].eventVersion: not a string"},
    {"no_version", "eventVersion", "eventVersio", "Records[0].eventVersion: missing"},
    {"no_name", "eventName", "eventNam", "Records[0].eventName: missing"},
    {"prefix_alone", "s3:ObjectCreated:Post", "s3:", "Records[0].eventName: missing"},
    {"no_time", "eventTime", "eventTim", "Records[0].eventTime: missing"},
    {"no_real_time", "2026-12-08", "2026-02-30", "Records[0].eventTime: not a time in ISO 8601"},
    {"no_s3", R"("s3":)", R"("s4":)", "Records[0].s3.bucket.name: missing"},
    {"s3_no_object", R"("s3":{)", R"("s3":[],"x":{)", "Records[0].s3: not an object"},
    {"no_bucket", R"("bucket")", R"("pail")", "Records[0].s3.bucket.name: missing"},
    {"bucket_no_object", R"({"name":"b"})", R"("b")", "Records[0].s3.bucket: not an object"},
    {"empty_bucket", R"("name":"b")", R"("name":"")", "Records[0].s3.bucket.name: missing"},
    {"long_bucket", R"("name":"b")", R"("name":")" + std::string(256, 'b') + '"',
     "Records[0].s3.bucket.name: longer than 255 bytes"},
    {"no_key", R"("key":"k",)", "", "Records[0].s3.object.key: missing"},
    {"key_number", R"("key":"k")", R"("key":7)", "Records[0].s3.object.key: not a string"},
    {"broken_escape", R"("key":"k")", R"("key":"a%2")", "Records[0].s3.object.key: not form-encoded UTF-8"},
    {"no_utf8_key", R"("key":"k")", R"("key":"%FF")", "Records[0].s3.object.key: not form-encoded UTF-8"},
    {"longest_key", R"("key":"k")", R"("key":")" + std::string(1024, 'k') + '"', ""},
    {"too_long_key", R"("key":"k")", R"("key":")" + std::string(1025, 'k') + '"',
     "Records[0].s3.object.key: longer than 1,024 bytes"},
    {"negative_size", R"("size":1)", R"("size":-1)", "Records[0].s3.object.size: not a whole number of bytes"},
    {"broken_size", R"("size":1)", R"("size":1.5)", "Records[0].s3.object.size: not a whole number of bytes"},
    {"size_text", R"("size":1)", R"("size":"1")", "Records[0].s3.object.size: not a whole number of bytes"},
    {"largest_size", R"("size":1)", R"("size":18446744073709551615)", ""},
    {"too_large_size", R"("size":1)", R"("size":18446744073709551616)",
     "Records[0].s3.object.size: not a whole number of bytes"},
    {"etag_number", R"("size":1)", R"("size":1,"eTag":5)", "Records[0].s3.object.eTag: not a string"},
    {"no_records", "Records", "Record", "Records: missing"},
    {"another_event", "Records", "Event", "Records: missing"},
    {"records_no_array", R"({"Records":[)", R"({"Records":5,"x":[)", "Records: not an array"},
    {"record_no_object", R"([{"eventVersion")", R"([7,{"eventVersion")", "Records[0]: not an object"},
    {"no_records_at_all", R"({"Records":[)", R"({"Records":[],"x":[)", ""},
    {"cut", "]}", "]", "notification: not JSON: incomplete JSON"},
};
class EditTest : public testing::TestWithParam<EditCase> {};
TEST_P(EditTest, IsReadOrNamed) {
  std::string text(kGood);
  if (!GetParam().from.empty()) {
    const auto at = text.rfind(GetParam().from);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, GetParam().from.size(), GetParam().to);
  }
  const auto got = parse_notification(text);
  EXPECT_EQ(got ? "" : got.error().message, GetParam().want);
  if (!got) EXPECT_EQ(got.error().kind, ErrorKind::invalid_argument);
}
INSTANTIATE_TEST_SUITE_P(Table, EditTest, testing::ValuesIn(kEditCases),
                         [](const auto& row) { return row.param.name; });

TEST(ParseNotification, DecodesTheKeyOnce) {
  std::string text(kGood);
  text.replace(text.rfind(R"("k")"), 3, R"("a+b%2Bc%252B/%C3%A4")");
  EXPECT_EQ(parse_notification(text)->records[0].key, "a b+c%2B/ä");
}

TEST(ParseNotificationParts, AWrongRecordDoesNotTakeTheOthersWithIt) {
  const auto one = kGood.substr(kGood.find('[') + 1, kGood.rfind(']') - kGood.find('[') - 1);
  const auto got = parse_notification_parts(R"({"Records":[)" + std::string(one) + ",7,{}," + std::string(one) + "]}");
  ASSERT_TRUE(got);
  ASSERT_EQ(got->records.size(), 4U);
  EXPECT_EQ(got->records[0]->key, "k");
  EXPECT_EQ(got->records[1].error().message, "Records[1]: not an object");
  EXPECT_EQ(got->records[2].error().message, "Records[2].eventVersion: missing");
  EXPECT_EQ(got->records[3]->key, "k");
}

TEST(ParseNotificationParts, WhatIsNoNotificationHasNoParts) {
  EXPECT_EQ(parse_notification_parts(R"({"Record":[]})").error().message, "Records: missing");
  EXPECT_EQ(parse_notification_parts(kGood, kGood.size() - 1).error().kind, ErrorKind::invalid_argument);
  EXPECT_TRUE(parse_notification_parts(R"({"Event":"s3:TestEvent"})")->is_test_event);
}

TEST(ParseNotificationParts, AreNotWithoutEnd) {
  std::string list = "7";
  for (std::size_t i = 1; i < kMaxRecords; ++i) list += ",7";
  EXPECT_EQ(parse_notification_parts(R"({"Records":[)" + list + "]}")->records.size(), kMaxRecords);
  EXPECT_EQ(parse_notification_parts(R"({"Records":[)" + list + ",7]}").error().message, "Records: more than 10000");
}

struct ScheduleCase {
  std::string name, text;
  bool want;
};
const std::vector<ScheduleCase> kScheduleCases = {
    // Amazon EventBridge User Guide: what a scheduled rule sends.
    {"of_a_rule",
     R"({"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event",)"
     R"("source":"aws.events","account":"123456789012","time":"2026-12-08T16:53:06Z","region":"us-east-1",)"
     R"("resources":["arn:aws:events:us-east-1:123456789012:rule/sweep"],"detail":{}})",
     true},
    {"least", R"({"source":"aws.events","detail-type":"Scheduled Event"})", true},
    {"of_another_source", R"({"source":"aws.s3","detail-type":"Scheduled Event"})", false},
    {"of_another_type", R"({"source":"aws.events","detail-type":"Object Created"})", false},
    {"no_source", R"({"detail-type":"Scheduled Event"})", false},
    {"source_no_text", R"({"source":["aws.events"],"detail-type":"Scheduled Event"})", false},
    {"notification", std::string(kGood), false},
    {"array", R"([])", false},
    {"no_json", "aws.events Scheduled Event", false},
};
class ScheduleTest : public testing::TestWithParam<ScheduleCase> {};
TEST_P(ScheduleTest, IsToldFromEverythingElse) { EXPECT_EQ(is_schedule_event(GetParam().text), GetParam().want); }
INSTANTIATE_TEST_SUITE_P(Table, ScheduleTest, testing::ValuesIn(kScheduleCases),
                         [](const auto& row) { return row.param.name; });

TEST(ParseNotification, IsBounded) {
  EXPECT_EQ(parse_notification(std::string(kGood), kGood.size() - 1).error().kind, ErrorKind::invalid_argument);
  EXPECT_TRUE(parse_notification(std::string(kGood), kGood.size()));
  EXPECT_EQ(parse_notification(std::string(300'000, ' ')).error().message, "notification: longer than 256 KiB");
  EXPECT_FALSE(parse_notification(std::string(1'000, '[')));
  EXPECT_FALSE(parse_notification(R"({"Records":)" + std::string(17, '[') + std::string(17, ']') + "}"));
}

}  // namespace
}  // namespace s3link::event
