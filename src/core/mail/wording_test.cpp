#include "core/mail/wording.hpp"

#include <gtest/gtest.h>

namespace s3link::mail {
namespace {

using namespace std::chrono_literals;

struct SizeCase {
  std::uint64_t size_bytes;
  std::string want;
};
TEST(SizeInWords, RoundsAndSaysTheBytes) {
  for (const SizeCase& row : std::vector<SizeCase>{
           {0, "0 bytes"},
           {1, "1 byte"},
           {999, "999 bytes"},
           {1'000, "1.0 kB (1,000 bytes)"},
           {4'096, "4.1 kB (4,096 bytes)"},
           {99'949, "99.9 kB (99,949 bytes)"},
           {99'950, "100 kB (99,950 bytes)"},
           {999'499, "999 kB (999,499 bytes)"},
           {999'500, "1.0 MB (999,500 bytes)"},
           {1'234'567, "1.2 MB (1,234,567 bytes)"},
           {5'368'709'120, "5.4 GB (5,368,709,120 bytes)"},
           {5'497'558'138'880, "5.5 TB (5,497,558,138,880 bytes)"},
           {UINT64_MAX, "18.4 EB (18,446,744,073,709,551,615 bytes)"},
       }) {
    EXPECT_EQ(size_in_words(row.size_bytes), row.want);
  }
}

TEST(InstantInWords, NamesDayAndZone) {
  const auto when = parse_iso8601("2026-12-08T14:00:05.999Z").value();
  EXPECT_EQ(instant_in_words(when), "Tuesday, 8 December 2026, 14:00:05 UTC");
  EXPECT_EQ(instant_in_short(when), "8 Dec 14:00 UTC");
  const auto new_year = parse_iso8601("2028-02-29T00:00:00Z").value();
  EXPECT_EQ(instant_in_words(new_year), "Tuesday, 29 February 2028, 00:00:00 UTC");
  EXPECT_EQ(instant_in_short(new_year), "29 Feb 00:00 UTC");
}

struct DurationCase {
  std::chrono::seconds duration;
  std::string want;
};
TEST(DurationInWords, NamesTwoUnits) {
  for (const DurationCase& row : std::vector<DurationCase>{
           {-5s, "0 seconds"},
           {0s, "0 seconds"},
           {1s, "1 second"},
           {59s, "59 seconds"},
           {60s, "1 minute"},
           {90s, "1 minute 30 seconds"},
           {9min + 59s, "9 minutes 59 seconds"},
           {10min + 29s, "10 minutes"},
           {59min + 30s, "1 hour"},
           {5h, "5 hours"},
           {5h - 1s, "5 hours"},
           {5h + 90s, "5 hours 2 minutes"},
           {23h + 59min + 40s, "1 day"},
           {24h, "1 day"},
           {27h + 10min, "1 day 3 hours"},
           {48h - 1s, "2 days"},
           {168h, "7 days"},
       }) {
    EXPECT_EQ(duration_in_words(row.duration), row.want) << row.duration.count();
  }
}

}  // namespace
}  // namespace s3link::mail
