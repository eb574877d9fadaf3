#include "adapters/system/time_zone.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

namespace s3link::system {
namespace {

using namespace std::chrono_literals;

class TimeZoneTest : public testing::Test {
 protected:
  TimeZoneTest() {
    if (const char* const kept = std::getenv("TZ")) kept_ = kept;
  }
  ~TimeZoneTest() override {
    kept_ ? ::setenv("TZ", kept_->c_str(), 1) : ::unsetenv("TZ");
    EXPECT_TRUE(use_time_zone(""));
  }
  static std::chrono::seconds offset(std::string_view when) { return utc_offset_at(*parse_iso8601(when)); }

 private:
  std::optional<std::string> kept_;
};

TEST_F(TimeZoneTest, OffsetsFollowTheClockWhereItIsChanged) {
  ASSERT_TRUE(use_time_zone("Europe/Berlin"));
  EXPECT_EQ(offset("2026-03-29T00:59:59.999Z"), 1h);
  EXPECT_EQ(offset("2026-03-29T01:00:00Z"), 2h);
  EXPECT_EQ(offset("2026-10-25T00:59:59Z"), 2h);
  EXPECT_EQ(offset("2026-10-25T01:00:00Z"), 1h);
  EXPECT_EQ(offset("2045-07-01T00:00:00Z"), 2h);  // beyond what the file lists
  ASSERT_TRUE(use_time_zone("Asia/Kathmandu"));
  EXPECT_EQ(offset("2026-06-01T00:00:00Z"), 5h + 45min);
  ASSERT_TRUE(use_time_zone("America/St_Johns"));
  EXPECT_EQ(offset("2026-12-01T00:00:00Z"), -(3h + 30min));
  ASSERT_TRUE(use_time_zone("UTC"));
  EXPECT_EQ(offset("2026-07-01T00:00:00Z"), 0s);
}

TEST_F(TimeZoneTest, WithoutANameItIsTheMachines) {
  ::setenv("TZ", "America/New_York", 1);
  ASSERT_TRUE(use_time_zone(""));
  EXPECT_EQ(offset("2026-12-01T00:00:00Z"), -5h);
}

TEST_F(TimeZoneTest, UnknownOnesAreRefusedByName) {
  for (const std::string name :
       {"Europe/Berln", "../zoneinfo/UTC", "/etc/localtime", "Europe", "zone.tab", "UTC0", " ", "Europe/Berlin\n"}) {
    const auto checked = check_time_zone(name);
    ASSERT_FALSE(checked) << name;
    EXPECT_TRUE(checked.error().message.contains("\"" + name + "\" is not a time zone")) << checked.error().message;
    EXPECT_FALSE(use_time_zone(name));
  }
}

}  // namespace
}  // namespace s3link::system
