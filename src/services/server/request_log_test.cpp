#include "services/server/request_log.hpp"

#include <gtest/gtest.h>

#include "support/fake_logger.hpp"

namespace s3link::server {
namespace {

using namespace std::chrono_literals;

RequestRecord record_of(unsigned status, std::string code) {
  RequestRecord record;
  record.request_id = "0123456789ABCDEF";
  record.operation = "PutObject";
  record.bucket = "file-exchange";
  record.key = "a b";
  record.status = status;
  record.error_code = std::move(code);
  record.total = 1500us;
  record.bytes_received = 17;
  record.trace = *trace::parse_xray_header("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", false);
  return record;
}

const ports::HttpRequestHead kHead{
    "PUT", "/file-exchange/a%20b?X-Amz-Signature=secret", {{"Authorization", "Signature=secret"}}, "192.0.2.7", false};

/// Writes nothing below that level.
class QuietLogger final : public ports::Logger {
 public:
  explicit QuietLogger(ports::LogLevel level) : level_(level) {}
  void log(ports::LogLevel level, std::string_view message, std::vector<ports::LogField> fields) override {
    lines.log(level, message, std::move(fields));
  }
  bool writes(ports::LogLevel level) const noexcept override { return level >= level_; }

  test_support::FakeLogger lines;

 private:
  ports::LogLevel level_;
};

TEST(RequestLog, AFailureOfOursIsLoggedWithItsIdsAndItsCause) {
  QuietLogger logger(ports::LogLevel::warning);
  RequestLog log(logger, {});
  auto record = record_of(503, "SlowDown");
  record.failure = "no space left";
  log.finished(kHead, record);
  EXPECT_EQ(logger.lines.lines,
            std::vector<std::string>{
                "request failed request_id=0123456789ABCDEF trace_id=1-5759e988-bd862e3fe1be46a994272793 "
                "operation=PutObject method=PUT bucket=file-exchange key=a b status=503 duration_us=1500 "
                "bytes_received=17 bytes_sent=0 client=192.0.2.7 error_code=SlowDown detail=no space left"});
}

TEST(RequestLog, AnAnswerThatWasBrokenOffIsAFailureWhateverItsStatus) {
  QuietLogger logger(ports::LogLevel::warning);
  RequestLog log(logger, {});
  auto record = record_of(200, {});
  record.failure = "a package is damaged";
  log.finished(kHead, record);
  ASSERT_EQ(logger.lines.lines.size(), 1U);
  EXPECT_TRUE(logger.lines.lines.front().starts_with("request failed request_id=0123456789ABCDEF"));
}

TEST(RequestLog, ARefusedRequestIsLoggedByWhatItAskedFor) {
  QuietLogger logger(ports::LogLevel::debug);
  RequestLog log(logger, {});
  auto record = record_of(403, "SignatureDoesNotMatch");
  record.operation = {};
  record.bucket.clear();
  record.key.clear();
  log.finished(kHead, record);
  ASSERT_EQ(logger.lines.lines.size(), 1U);
  EXPECT_TRUE(
      logger.lines.lines.front().contains(" operation=PutObject method=PUT bucket=file-exchange key=a b status=403 "))
      << logger.lines.lines.front();
  EXPECT_EQ(logger.lines.lines.front().find("secret"), std::string::npos);
  // The '?' of a link was encoded on its way: then the signature stands in the key.
  log.finished({"GET", "/file-exchange/a%3FX-Amz-Signature=" + std::string(64, 'a'), {}, "192.0.2.7", false}, record);
  log.finished({"GET", "/" + std::string(9000, 'b') + "/" + std::string(9000, 'k'), {}, "192.0.2.7", false}, record);
  ASSERT_EQ(logger.lines.lines.size(), 3U);
  EXPECT_FALSE(logger.lines.lines[1].contains("aaaa")) << logger.lines.lines[1];
  EXPECT_LT(logger.lines.lines[2].size(), 2500U);
}

TEST(RequestLog, NotBeingReadyIsAnAnswer) {
  QuietLogger logger(ports::LogLevel::info);
  RequestLog log(logger, {});
  auto record = record_of(503, {});
  record.operation = "/_/readyz";
  log.finished(kHead, record);
  EXPECT_TRUE(logger.lines.lines.empty());
}

TEST(RequestLog, TheOthersAreLoggedAtDebugLevelOnly) {
  QuietLogger quiet(ports::LogLevel::info);
  QuietLogger talkative(ports::LogLevel::debug);
  for (QuietLogger* const logger : {&quiet, &talkative}) {
    RequestLog log(*logger, {});
    for (const unsigned status : {0U, 200U, 304U, 403U, 404U}) log.finished(kHead, record_of(status, {}));
  }
  EXPECT_TRUE(quiet.lines.lines.empty());
  ASSERT_EQ(talkative.lines.lines.size(), 5U);
  for (const std::string& line : talkative.lines.lines) {
    EXPECT_TRUE(line.starts_with("request request_id=")) << line;
    EXPECT_EQ(line.find("secret"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace s3link::server
