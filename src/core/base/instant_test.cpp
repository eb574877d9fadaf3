#include "core/base/instant.hpp"

#include <gtest/gtest.h>

namespace s3link {
namespace {

const Instant kMoment = from_unix_ms(1369353600123);  // 2013-05-24T00:00:00.123Z

TEST(Instant, EveryFormOfOneMoment) {
  EXPECT_EQ(amz_date(kMoment), "20130524T000000Z");
  EXPECT_EQ(iso8601(kMoment), "2013-05-24T00:00:00.123Z");
  EXPECT_EQ(http_date(kMoment), "Fri, 24 May 2013 00:00:00 GMT");
  EXPECT_EQ(mail_date(kMoment), "Fri, 24 May 2013 00:00:00 +0000");
}

TEST(Instant, ReadsWhatItWrites) {
  EXPECT_EQ(parse_iso8601(iso8601(kMoment)), kMoment);
  EXPECT_EQ(parse_amz_date(amz_date(kMoment)), std::chrono::floor<std::chrono::seconds>(kMoment));
  EXPECT_EQ(parse_http_date(http_date(kMoment)), std::chrono::floor<std::chrono::seconds>(kMoment));
  EXPECT_EQ(parse_iso8601("2013-05-24T00:00:00Z"), std::chrono::floor<std::chrono::seconds>(kMoment));
}

TEST(Instant, RefusesWhatIsNoDate) {
  for (const char* bad : {"20130524T000000", "20130230T000000Z", "20131301T000000Z", "20130524T240000Z",
                          "2013-05-24T00:00:00Z", "20130524 000000Z", "2013052aT000000Z", ""}) {
    EXPECT_FALSE(parse_amz_date(bad)) << bad;
  }
  EXPECT_FALSE(parse_iso8601("2013-05-24T00:00:00.Z"));
  EXPECT_FALSE(parse_http_date("Fri, 24 Mai 2013 00:00:00 GMT"));
}

}  // namespace
}  // namespace s3link
