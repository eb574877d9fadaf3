#include "services/link/link_generator.hpp"

#include <gtest/gtest.h>

#include "core/sigv4/credentials.hpp"
#include "core/sigv4/verify.hpp"

namespace s3link::link {
namespace {

using namespace std::chrono_literals;

const s3::BucketName kBucket = *s3::BucketName::parse("file-exchange");
const Instant kNow = *parse_iso8601("2026-12-08T09:00:05.700Z");

sigv4::Credentials credentials() {
  return {.access_key_id = "AKIAEXAMPLE", .secret_access_key = Secret("secret"), .session_token = {}};
}

struct DeadlineCase {
  std::string name;
  std::chrono::seconds expiration;
  std::optional<Instant> removed_at;
  std::string want;     // deadline; empty: refused
  std::string expires;  // X-Amz-Expires
};
const std::vector<DeadlineCase> kDeadlineCases = {
    {"expiration", 5h, kNow + 24h, "2026-12-08T14:00:05.000Z", "18000"},
    {"never_removed", 5h, {}, "2026-12-08T14:00:05.000Z", "18000"},
    {"removal_comes_first", 5h, kNow + 1h, "2026-12-08T10:00:05.000Z", "3600"},
    {"removal_is_cut_to_seconds", 5h, kNow + 1299ms, "2026-12-08T09:00:06.000Z", "1"},
    {"under_a_second_left", 5h, kNow + 299ms, "", ""},
    {"removed_already", 5h, kNow - 1h, "", ""},
    {"seven_days", 168h, {}, "2026-12-15T09:00:05.000Z", "604800"},
    {"never_more_than_seven_days", 1000h, {}, "2026-12-15T09:00:05.000Z", "604800"},
    {"shortest", 1s, {}, "2026-12-08T09:00:06.000Z", "1"},
};
class DeadlineTest : public testing::TestWithParam<DeadlineCase> {};
TEST_P(DeadlineTest, IsTheFirstThingThatEnds) {
  const auto& row = GetParam();
  const auto keys = credentials();
  const LinkGenerator links({"https://files.example.org", "eu-central-1", row.expiration}, keys);
  const auto link = links.make(kBucket, *s3::ObjectKey::parse("a.pdf"), row.removed_at, kNow);
  EXPECT_EQ(link ? iso8601(link->deadline) : "", row.want);
  if (!link) {
    EXPECT_EQ(link.error().kind, ErrorKind::not_found);
    return;
  }
  const std::string url(link->url.reveal());
  EXPECT_TRUE(url.contains("X-Amz-Expires=" + row.expires + "&")) << url;
  EXPECT_TRUE(url.contains("X-Amz-Date=20261208T090005Z")) << url;
}
INSTANTIATE_TEST_SUITE_P(Table, DeadlineTest, testing::ValuesIn(kDeadlineCases),
                         [](const auto& row) { return row.param.name; });

TEST(LinkGenerator, LinksDieAtTheDeadlineAndNotBefore) {
  const auto keys = credentials();
  const LinkGenerator links({"http://127.0.0.1:9000", "us-east-1", 5h}, keys);
  for (const char* key : {"a.pdf", "Q3 report+50%&=?#'\"<>.pdf", "报告/📎.pdf", "a//b", "nul\x01"}) {
    const auto link = links.make(kBucket, *s3::ObjectKey::parse(key), {}, kNow);
    ASSERT_TRUE(link);
    std::string target(link->url.reveal());
    ASSERT_TRUE(target.starts_with("http://127.0.0.1:9000/file-exchange/")) << target;
    target.erase(0, std::string_view("http://127.0.0.1:9000").size());
    sigv4::Verifier verifier(keys, "us-east-1");
    const sigv4::Fields fields = {{"Host", "127.0.0.1:9000"}};
    const auto verified = verifier.verify({"GET", target, fields}, link->deadline - 1ms);
    EXPECT_TRUE(verified) << verified.error().message << target;
    EXPECT_FALSE(verifier.verify({"GET", target, fields}, link->deadline));
    EXPECT_TRUE(verifier.verify({"GET", target, fields}, kNow));
  }
}

TEST(LinkGenerator, DownloadsUnderTheNameOfTheFile) {
  const auto keys = credentials();
  const LinkGenerator links({"https://files.example.org", "us-east-1", 5h}, keys);
  const auto link = links.make(kBucket, *s3::ObjectKey::parse("reports/Q3 ä.pdf"), {}, kNow);
  ASSERT_TRUE(link);
  const std::string url(link->url.reveal());
  EXPECT_TRUE(url.starts_with("https://files.example.org/file-exchange/reports/Q3%20%C3%A4.pdf?")) << url;
  EXPECT_TRUE(url.contains("response-content-disposition=attachment%3B%20filename%3D")) << url;
  EXPECT_TRUE(url.contains("filename%2A%3DUTF-8%27%27Q3%2520%25C3%25A4.pdf")) << url;
}

TEST(LinkGenerator, LinksAreShorterThanMailProgramsCutThem) {
  const auto keys = credentials();
  const LinkGenerator links({"https://files.example.org", "us-east-1", 5h}, keys);
  sigv4::Verifier verifier(keys, "us-east-1");
  const auto repeated = [](std::string_view text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += text;
    return out;
  };
  for (const std::string& key :
       {repeated("报", 65) + ".pdf", repeated("报", 170) + ".pdf", repeated("a b", 340) + ".pdf",
        "folder/" + repeated("ü", 200), repeated("%", 400), repeated("📎", 120) + ".zip"}) {
    const auto link = links.make(kBucket, *s3::ObjectKey::parse(key), {}, kNow);
    ASSERT_TRUE(link);
    const std::string url(link->url.reveal());
    EXPECT_LT(url.size(), 2048U) << url;
    EXPECT_TRUE(url.contains("response-content-disposition=attachment")) << url;
    const sigv4::Fields fields = {{"Host", "files.example.org"}};
    EXPECT_TRUE(
        verifier.verify({"GET", url.substr(std::string_view("https://files.example.org").size()), fields}, kNow));
  }
  // A path that is longer by itself stays what it is: the name comes from it.
  const auto link = links.make(kBucket, *s3::ObjectKey::parse(repeated("报", 300)), {}, kNow);
  ASSERT_TRUE(link);
  EXPECT_TRUE(link->url.reveal().contains("response-content-disposition=attachment&"));
}

struct S3HostCase {
  std::string name, region, endpoint, bucket, want;
};
const std::vector<S3HostCase> kS3HostCases = {
    {"virtual_hosted", "eu-central-1", "", "file-exchange",
     "https://file-exchange.s3.eu-central-1.amazonaws.com/a%20b/c.pdf?"},
    {"first_region_by_its_own_host", "us-east-1", "", "b1b", "https://b1b.s3.us-east-1.amazonaws.com/a%20b/c.pdf?"},
    {"china", "cn-north-1", "", "b1b", "https://b1b.s3.cn-north-1.amazonaws.com.cn/a%20b/c.pdf?"},
    {"dots_have_no_certificate", "eu-central-1", "", "files.example.org",
     "https://s3.eu-central-1.amazonaws.com/files.example.org/a%20b/c.pdf?"},
    {"endpoint", "eu-central-1", "http://127.0.0.1:9000", "file-exchange",
     "http://127.0.0.1:9000/file-exchange/a%20b/c.pdf?"},
};
class S3HostTest : public testing::TestWithParam<S3HostCase> {};
TEST_P(S3HostTest, IsSignedAsItIsWritten) {
  const auto& row = GetParam();
  const auto keys = credentials();
  const LinkGenerator links(s3_links(row.region, row.endpoint, 5h), keys);
  const auto link = links.make(*s3::BucketName::parse(row.bucket), *s3::ObjectKey::parse("a b/c.pdf"), {}, kNow);
  ASSERT_TRUE(link);
  const std::string url(link->url.reveal());
  EXPECT_TRUE(url.starts_with(row.want)) << url;
  const auto host = url.find("://") + 3;
  const auto path = url.find('/', host);
  sigv4::Verifier verifier(keys, row.region);
  const sigv4::Fields fields = {{"Host", url.substr(host, path - host)}};
  const std::string target = url.substr(path);
  EXPECT_TRUE(verifier.verify({"GET", target, fields}, kNow)) << url;
}
INSTANTIATE_TEST_SUITE_P(Table, S3HostTest, testing::ValuesIn(kS3HostCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::link
