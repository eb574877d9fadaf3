#include "services/server/api_fixture.hpp"
#include "support/run_sync.hpp"

namespace s3link::server {
namespace {

using std::chrono::days;
using std::chrono::hours;

std::string document(std::string_view rules) {
  return "<LifecycleConfiguration>" + std::string(rules) + "</LifecycleConfiguration>";
}
std::string rule(std::string_view id, std::string_view prefix, int count) {
  return "<Rule><ID>" + std::string(id) + "</ID><Filter><Prefix>" + std::string(prefix) +
         "</Prefix></Filter><Status>Enabled</Status><Expiration><Days>" + std::to_string(count) +
         "</Days></Expiration></Rule>";
}

class LifecycleTest : public ApiTest {
 protected:
  std::string expiration(Instant when, std::string_view id) {
    return "expiry-date=\"" + http_date(when) + "\", rule-id=\"" + std::string(id) + "\"";
  }
};

TEST_F(LifecycleTest, WhatWasPutIsAnsweredUntilItIsDeleted) {
  EXPECT_EQ(get("/file-exchange?lifecycle").outcome(), "404 NoSuchLifecycleConfiguration");
  EXPECT_EQ(put("/file-exchange?lifecycle", document(rule("a", "x/", 3))).outcome(), "200");
  const Reply got = get("/file-exchange?lifecycle");
  EXPECT_EQ(got.outcome(), "200");
  EXPECT_EQ(got.element("ID"), "a");
  EXPECT_EQ(got.element("Prefix"), "x/");
  EXPECT_EQ(got.element("Days"), "3");
  EXPECT_EQ(put("/file-exchange?lifecycle", document(rule("b", "", 4))).outcome(), "200");
  EXPECT_EQ(get("/file-exchange?lifecycle").elements("ID"), std::vector<std::string>{"b"});
  EXPECT_EQ(send({.method = "DELETE", .target = "/file-exchange?lifecycle"}).outcome(), "204");
  EXPECT_EQ(get("/file-exchange?lifecycle").outcome(), "404 NoSuchLifecycleConfiguration");
  EXPECT_EQ(send({.method = "DELETE", .target = "/file-exchange?lifecycle"}).outcome(), "204");
}

TEST_F(LifecycleTest, ARuleWithoutAnIdGetsOne) {
  const std::string nameless = "<Rule><Prefix/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>";
  EXPECT_EQ(put("/file-exchange?lifecycle", document(nameless + nameless)).outcome(), "200");
  const auto ids = get("/file-exchange?lifecycle").elements("ID");
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[0].size(), 48U);
  EXPECT_NE(ids[0], ids[1]);
}

TEST_F(LifecycleTest, EveryAnswerNamesTheRuleAndItsTime) {
  put("/file-exchange?lifecycle", document(rule("the \"rule\"", "x/", 3) + rule("all", "", 9)));
  const std::string want = expiration(clock.now() + days(3), "the%20%22rule%22");
  EXPECT_EQ(put("/file-exchange/x/1", "1").field("x-amz-expiration"), want);
  EXPECT_EQ(get("/file-exchange/x/1").field("x-amz-expiration"), want);
  EXPECT_EQ(send({.method = "HEAD", .target = "/file-exchange/x/1"}).field("x-amz-expiration"), want);
  EXPECT_EQ(put("/file-exchange/y", "1").field("x-amz-expiration"), expiration(clock.now() + days(9), "all"));

  const std::string id = post("/file-exchange/x/2?uploads", "").element("UploadId");
  const Reply part = put("/file-exchange/x/2?partNumber=1&uploadId=" + id, "1");
  const Reply whole =
      post("/file-exchange/x/2?uploadId=" + id, "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" +
                                                    part.field("ETag") + "</ETag></Part></CompleteMultipartUpload>");
  EXPECT_EQ(whole.outcome(), "200");
  EXPECT_EQ(whole.field("x-amz-expiration"), want);
}

TEST_F(LifecycleTest, WhatNoRuleMatchesGoesByTheServersTime) {
  put("/file-exchange?lifecycle", document(rule("a", "x/", 3)));
  EXPECT_EQ(put("/file-exchange/y", "1").field("x-amz-expiration"), expiration(clock.now() + hours(24), "object-ttl"));
}

TEST_F(LifecycleTest, WhatIsWrongIsRefusedAndChangesNothing) {
  put("/file-exchange?lifecycle", document(rule("a", "", 3)));
  const Reply refused =
      put("/file-exchange?lifecycle", document("<Rule><Filter/><Status>Enabled</Status><Transition/></Rule>"));
  EXPECT_EQ(refused.outcome(), "501 NotImplemented");
  EXPECT_THAT(refused.element("Message"), testing::HasSubstr("Transition"));
  EXPECT_EQ(put("/file-exchange?lifecycle", "").outcome(), "400 MalformedXML");
  EXPECT_EQ(put("/file-exchange?lifecycle", std::string(std::size_t{2} << 20, ' ')).outcome(),
            "400 MaxMessageLengthExceeded");
  EXPECT_EQ(get("/file-exchange?lifecycle").elements("ID"), std::vector<std::string>{"a"});
}

TEST_F(LifecycleTest, ItIsTheExchangeBucketsAlone) {
  put("/other-bucket", "");
  const std::string rules = document(rule("a", "", 3));
  EXPECT_EQ(put("/other-bucket?lifecycle", rules).outcome(), "501 NotImplemented");
  EXPECT_EQ(get("/other-bucket?lifecycle").outcome(), "404 NoSuchLifecycleConfiguration");
  EXPECT_EQ(put("/no-bucket?lifecycle", rules).outcome(), "404 NoSuchBucket");
  EXPECT_EQ(get("/no-bucket?lifecycle").outcome(), "404 NoSuchBucket");
  EXPECT_EQ(send({.method = "DELETE", .target = "/no-bucket?lifecycle"}).outcome(), "404 NoSuchBucket");
}

}  // namespace
}  // namespace s3link::server
