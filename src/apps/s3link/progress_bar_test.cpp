#include "apps/s3link/progress_bar.hpp"

#include <gtest/gtest.h>

namespace s3link::app {
namespace {
using namespace std::chrono_literals;

TEST(ProgressLine, TellsShareRateAndTimeLeft) {
  EXPECT_EQ(progress_line("report.pdf", 1'200'000, 4'800'000, 2s),
            "report.pdf  1.2 MB of 4.8 MB [######..................]  25%  600.0 kB/s, 6 s left");
  EXPECT_EQ(progress_line("report.pdf", 4'800'000, 4'800'000, 8s),
            "report.pdf  4.8 MB of 4.8 MB [########################] 100%  600.0 kB/s");
}

TEST(ProgressLine, SaysNothingOfWhatIsNotKnown) {
  EXPECT_EQ(progress_line("f", 0, 1000, 100ms), "f  0 B of 1.0 kB [........................]   0%");
  EXPECT_EQ(progress_line("f", 0, 1000, 10s), "f  0 B of 1.0 kB [........................]   0%");
  EXPECT_EQ(progress_line("-", 5'000'000, 0, 5s), "-  5.0 MB  1.0 MB/s");
}

TEST(ProgressLine, RepeatedBytesDoNotPassTheWhole) {
  EXPECT_EQ(progress_line("f", 2000, 1000, 1s), "f  2.0 kB of 1.0 kB [########################] 100%  2.0 kB/s");
}

}  // namespace
}  // namespace s3link::app
