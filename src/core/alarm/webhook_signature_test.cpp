#include "core/alarm/webhook_signature.hpp"

#include <gtest/gtest.h>

namespace s3link::alarm {
namespace {

// Expected values made with Python's hmac module.
TEST(WebhookSignature, CoversTimeAndBody) {
  const Secret secret(std::string("webhook-secret"));
  const Instant when = from_unix_ms(1'796'738'405'999);
  EXPECT_EQ(webhook_signature(secret, when, R"({"a":1})"),
            "t=1796738405,v1=f6b37600b7af2bddba57aba998958feb98f0910560e9efcd4cce036d1bd04acb");
  EXPECT_NE(webhook_signature(secret, when, R"({"a":2})").substr(16),
            webhook_signature(secret, when, R"({"a":1})").substr(16));
  EXPECT_NE(webhook_signature(secret, when + std::chrono::seconds(1), "").substr(16),
            webhook_signature(secret, when, "").substr(16));
  EXPECT_NE(webhook_signature(Secret(std::string("other")), when, "").substr(16),
            webhook_signature(secret, when, "").substr(16));
}

}  // namespace
}  // namespace s3link::alarm
