#include "services/server/request_error_log.hpp"

#include <gtest/gtest.h>

#include "support/fake_logger.hpp"

namespace s3link::server {
namespace {

RequestRecord record_of(unsigned status, std::string code) {
  RequestRecord record;
  record.request_id = "0123456789ABCDEF";
  record.operation = "PutObject";
  record.bucket = "file-exchange";
  record.key = "a b";
  record.status = status;
  record.error_code = std::move(code);
  record.trace = *trace::parse_xray_header("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", false);
  return record;
}

TEST(RequestErrorLog, AFailureOfOursIsLoggedWithItsTrace) {
  test_support::FakeLogger logger;
  RequestErrorLog log(logger);
  log.finished({"PUT", "/file-exchange/a%20b?X-Amz-Signature=secret", {}, "192.0.2.7", false},
               record_of(503, "SlowDown"));
  EXPECT_EQ(logger.lines,
            std::vector<std::string>{
                "request failed request_id=0123456789ABCDEF trace_id=1-5759e988-bd862e3fe1be46a994272793 "
                "operation=PutObject method=PUT bucket=file-exchange key=a b status=503 error_code=SlowDown"});
}

TEST(RequestErrorLog, WhatTheClientDidWrongIsNot) {
  test_support::FakeLogger logger;
  RequestErrorLog log(logger);
  for (const unsigned status : {0U, 200U, 304U, 403U, 404U}) log.finished({}, record_of(status, {}));
  EXPECT_TRUE(logger.lines.empty());
}

}  // namespace
}  // namespace s3link::server
