#include "core/doctor/link_answer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

namespace s3link::doctor {
namespace {

std::string document(const std::string& code, const std::string& resource = "/b/a%20k",
                     const std::string& message = "m") {
  return fmt::format(
      "<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>{}</Message><Resource>{}</Resource></Error>", code,
      message, resource);
}

struct AnswerCase {
  std::string name;
  unsigned status;
  std::string body;
  std::string location;
  Verdict verdict;
  std::string message, fix;  ///< what they hold
};
const std::vector<AnswerCase> kAnswerCases = {
    {"right", 404, document("NoSuchKey"), "", Verdict::ok, "unchanged", ""},
    {"host_changed", 403, document("SignatureDoesNotMatch"), "", Verdict::failed, "Host", "proxy_set_header Host"},
    {"path_rewritten", 403, document("SignatureDoesNotMatch", "/b/a k"), "", Verdict::failed,
     "/b/a%20k arrives as /b/a k", "nocanon"},
    {"prefix_cut", 403, document("SignatureDoesNotMatch", "/a%20k"), "", Verdict::failed, "arrives as /a%20k",
     "proxy_pass"},
    {"another_key", 403, document("InvalidAccessKeyId"), "", Verdict::failed, "another access key",
     "server.public_url"},
    {"clock", 403, document("AccessDenied", "/b/a%20k", "Request has expired"), "", Verdict::failed, "expired", "NTP"},
    {"clock_ahead", 403, document("AccessDenied", "/b/a%20k", "Request is not valid yet"), "", Verdict::failed,
     "not valid yet", "NTP"},
    {"other_denial", 403, document("AccessDenied"), "", Verdict::failed, "AccessDenied", "docs/reverse-proxy.md"},
    {"firewall", 403, "<html>no</html>", "", Verdict::failed, "not as s3link does", "firewall"},
    {"redirect", 301, "", "https://www.example.org/b?X-Amz-Signature=s3cret", Verdict::failed,
     "to https://www.example.org/b,", "server.public_url"},
    {"bad_gateway", 502, "<html>nginx</html>", "", Verdict::failed, "502", "server.listen"},
    {"another_bucket", 404, document("NoSuchBucket"), "", Verdict::failed, "bucket", "bucket.name"},
    {"other_page", 404, "<html>not found</html>", "", Verdict::failed, "answers 404, where", "in its place"},
    {"served", 200, "hello", "", Verdict::failed, "answers 200, where", "in its place"},
    {"bad_request", 400, document("InvalidURI"), "", Verdict::failed, "400 InvalidURI", "nocanon"},
};
class LinkAnswerTest : public testing::TestWithParam<AnswerCase> {};
TEST_P(LinkAnswerTest, CauseIsNamed) {
  const AnswerCase& row = GetParam();
  const Finding got = judge_link_answer({.public_url = "https://f.example",
                                         .sent_path = "/b/a%20k",
                                         .status = row.status,
                                         .location = row.location,
                                         .body = row.body});
  EXPECT_EQ(got.verdict, row.verdict);
  EXPECT_TRUE(got.message.contains(row.message)) << got.message;
  EXPECT_TRUE(got.fix.contains(row.fix)) << got.fix;
  EXPECT_EQ(got.fix.empty(), row.verdict == Verdict::ok);
  EXPECT_FALSE((got.message + got.fix).contains("s3cret"));
}
INSTANTIATE_TEST_SUITE_P(Table, LinkAnswerTest, testing::ValuesIn(kAnswerCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::doctor
