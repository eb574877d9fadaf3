#include "services/pipeline/metered_mail_sender.hpp"

#include <gtest/gtest.h>

#include "support/fake_clock.hpp"
#include "support/fake_mail_sender.hpp"
#include "support/run_sync.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using test_support::run_sync;

class MeteredMailSenderTest : public testing::Test {
 protected:
  MeteredMailSenderTest() {
    sender_.before_send = [this](std::string) -> Awaitable<void> {
      clock_.advance(40ms);
      co_return;
    };
  }
  ports::SendResult send() {
    return run_sync(metered_.send(
        {.envelope_from = "a@b.example", .envelope_to = "you@b.example", .message_id = "m", .rfc5322 = Secret()}));
  }
  metrics::HistogramValue result(std::size_t index, std::string_view name) {
    const auto family = metered_.family();
    EXPECT_EQ(family.samples.at(index).labels.at(0).value, name);
    return family.samples.at(index).histogram;
  }

  test_support::FakeClock clock_;
  test_support::FakeMailSender sender_;
  MeteredMailSender metered_{sender_, clock_};
};

TEST_F(MeteredMailSenderTest, AMailThatWasTakenIsTimed) {
  EXPECT_EQ(send()->reply, "250 2.0.0 fake-1");
  EXPECT_EQ(result(0, "accepted").count, 1U);
  EXPECT_EQ(result(0, "accepted").sum, 0.04);
  EXPECT_EQ(result(0, "accepted").buckets.at(2).cumulative, 0U) << "25 ms";
  EXPECT_EQ(result(0, "accepted").buckets.at(3).cumulative, 1U) << "50 ms";
  EXPECT_EQ(result(1, "refused").count, 0U);
  EXPECT_EQ(result(2, "failed").count, 0U);
}

TEST_F(MeteredMailSenderTest, FailuresAreToldApartAndPassedOn) {
  sender_.failures_of["you@b.example"] = {{{ErrorKind::denied, "550 no", "550"}},
                                          {{ErrorKind::transient, "451 later", "451"}},
                                          {{ErrorKind::transient, "connection refused", ""}}};
  EXPECT_EQ(send().error().error.code, "550");
  EXPECT_EQ(send().error().error.code, "451");
  EXPECT_EQ(send().error().error.message, "connection refused");
  EXPECT_EQ(result(0, "accepted").count, 0U);
  EXPECT_EQ(result(1, "refused").count, 1U);
  EXPECT_EQ(result(2, "failed").count, 2U);
  EXPECT_EQ(result(2, "failed").sum, 0.08);
}

}  // namespace
}  // namespace s3link::pipeline
