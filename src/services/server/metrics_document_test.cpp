#include "services/server/metrics_document.hpp"

#include "services/server/api_fixture.hpp"

namespace s3link::server {
namespace {

using testing::HasSubstr;
using testing::Not;

/// One line for each sample.
class PlainText final : public ports::MetricText {
 public:
  std::string_view content_type() const noexcept override { return "text/x-plain"; }
  std::string write(const metrics::Families& families) const override {
    std::string out;
    for (const auto& family : families) {
      for (const auto& sample : family.samples) {
        out += family.name;
        for (const auto& label : sample.labels) out += " " + label.value;
        out += "=" + std::to_string(static_cast<int>(sample.value)) + "\n";
      }
    }
    return out;
  }
};

class FakeStatistics final : public ports::StatisticsReader {
 public:
  Awaitable<Result<ports::StoreStatistics>> read_statistics(std::vector<s3::BucketName> buckets) override {
    asked = std::move(buckets);
    co_return answer;
  }
  std::vector<s3::BucketName> asked;
  Result<ports::StoreStatistics> answer = ports::StoreStatistics{};
};

class MetricsDocumentTest : public ApiTest {
 protected:
  static constexpr std::string_view kToken = "0123456789abcdef";

  explicit MetricsDocumentTest(std::string_view token = {})
      : document(
            {.buckets = {*s3::BucketName::parse(kBucket)}, .token = Secret(std::string(token))}, statistics,
            [this] { return counted; }, text, clock),
        served({.region = "us-east-1", .exchange_bucket = *s3::BucketName::parse(kBucket), .domain = {}}, keys, store,
               deliveries, dead_letters, redrive, clock, random, {&records}, {&document}) {}

  Reply ask(std::string method, ports::HttpFields fields = {}, std::string target = "/_/metrics",
            std::string address = "127.0.0.1") {
    return handle_by(served, {std::move(method), std::move(target), std::move(fields), std::move(address), false},
                     test_support::FakeRequestBody());
  }

  FakeStatistics statistics;
  metrics::Families counted = {metrics::counter("s3link_things_total", "Things.", 7)};
  PlainText text;
  MetricsDocument document;
  S3Api served;
};

TEST_F(MetricsDocumentTest, AnotherMachineNeedsASignature) {
  for (const std::string address : {"192.0.2.7", "10.0.0.1", "2001:db8::1", "128.0.0.1", ""}) {
    const Reply reply = ask("GET", {{"Host", "s3.test:9000"}}, "/_/metrics", address);
    EXPECT_EQ(reply.status, 403U) << address;
    EXPECT_THAT(reply.body, Not(HasSubstr("s3link_")));
  }
  EXPECT_EQ(ask("GET", {}, "/_/metrics", "::1").status, 200U);
  EXPECT_EQ(send_to(served, {.target = "/_/metrics"}).status, 200U);  // from 192.0.2.7
}

TEST_F(MetricsDocumentTest, ThisMachineMayReadWithoutASignature) {
  statistics.answer->outbox = 3;
  const Reply reply = ask("GET");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.field("Content-Type"), "text/x-plain");
  EXPECT_EQ(reply.field("Cache-Control"), "no-store");
  EXPECT_THAT(reply.body, HasSubstr("s3link_things_total=7\n"));
  EXPECT_THAT(reply.body, HasSubstr("s3link_outbox_events=3\n"));
  EXPECT_THAT(reply.body, HasSubstr("s3link_scrape_failed=0\n"));
  EXPECT_EQ(statistics.asked, std::vector{*s3::BucketName::parse(kBucket)});
  EXPECT_EQ(records.all.back().operation, "/_/metrics");
}

TEST_F(MetricsDocumentTest, AHeadHasTheLengthAndNoBody) {
  const Reply whole = ask("GET");
  const Reply head = ask("HEAD");
  EXPECT_EQ(head.status, 200U);
  EXPECT_EQ(head.length, whole.body.size());
  EXPECT_EQ(head.body, "");
}

TEST_F(MetricsDocumentTest, AQueryChangesNothingAndOtherMethodsAreRefused) {
  EXPECT_EQ(ask("GET", {}, "/_/metrics?name[]=x").status, 200U);
  EXPECT_EQ(ask("POST").status, 405U);
  EXPECT_EQ(ask("PUT").status, 405U);
  EXPECT_EQ(ask("GET", {}, "/_/metrics/").status, 404U);
}

TEST_F(MetricsDocumentTest, WhereTheStoreCannotBeReadTheRestIsTold) {
  statistics.answer = fail(ErrorKind::internal, "disk I/O error in /srv/secret");
  const Reply reply = ask("GET");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_THAT(reply.body, HasSubstr("s3link_things_total=7\n"));
  EXPECT_THAT(reply.body, HasSubstr("s3link_scrape_failed=1\n"));
  EXPECT_THAT(reply.body, Not(HasSubstr("s3link_outbox_events")));
  EXPECT_THAT(reply.body, Not(HasSubstr("secret")));
}

class MetricsTokenTest : public MetricsDocumentTest {
 protected:
  MetricsTokenTest() : MetricsDocumentTest(kToken) {}
};

TEST_F(MetricsTokenTest, IsAskedFor) {
  EXPECT_EQ(ask("GET", {{"Authorization", "Bearer " + std::string(kToken)}}).status, 200U);
  EXPECT_EQ(ask("HEAD", {{"authorization", "Bearer " + std::string(kToken)}}).status, 200U);
  for (const std::string scheme : {"bearer ", "BEARER ", "bEaReR  "}) {
    EXPECT_EQ(ask("GET", {{"Authorization", scheme + std::string(kToken)}}, "/_/metrics", "192.0.2.7").status, 200U);
  }
  for (const std::string wrong : {"Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer ", "Bearer",
                                  "Basic 0123456789abcdef", "0123456789abcdef", ""}) {
    const Reply reply = ask("GET", {{"Authorization", wrong}});
    EXPECT_GE(reply.status, 400U) << wrong;
    EXPECT_THAT(reply.body, Not(HasSubstr("s3link_"))) << wrong;
  }
  EXPECT_EQ(ask("GET").status, 403U);
}

TEST_F(MetricsTokenTest, ASignatureWillDo) {
  EXPECT_EQ(send_to(served, {.method = "GET", .target = "/_/metrics"}).status, 200U);
  EXPECT_EQ(send_to(served, {.method = "GET", .target = "/_/metrics", .signed_by = "another secret"}).status, 403U);
}

}  // namespace
}  // namespace s3link::server
