#include "adapters/system/process_statistics.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace s3link::system {
namespace {

TEST(ProcessStatisticsTest, OpenFilesAreCountedOneByOne) {
  const auto before = read_process_statistics().open_files;
  ASSERT_TRUE(before);
  const int descriptor = ::dup(0);
  ASSERT_GE(descriptor, 0);
  EXPECT_EQ(read_process_statistics().open_files, *before + 1);
  ::close(descriptor);
  EXPECT_EQ(read_process_statistics().open_files, *before);
  EXPECT_GE(*read_process_statistics().max_files, *before);
}

TEST(ProcessStatisticsTest, MemoryGrowsWithWhatIsUsed) {
  constexpr std::size_t kBytes = 64 << 20;
  const auto before = read_process_statistics();
  const std::vector<char> used(kBytes, 'x');
  const auto after = read_process_statistics();
  EXPECT_GT(*after.resident_bytes, *before.resident_bytes + kBytes / 2) << used[1];
  EXPECT_GT(*after.virtual_bytes, *after.resident_bytes);
}

TEST(ProcessStatisticsTest, ThreadsAndTimes) {
  const auto before = read_process_statistics();
  std::thread([&] { EXPECT_GE(*read_process_statistics().threads, 2U); }).join();
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_LE(*before.started, now);
  EXPECT_GT(*before.started, now - 24 * 3600);
  EXPECT_EQ(read_process_statistics().started, before.started);
  EXPECT_GE(read_process_statistics().cpu_seconds, before.cpu_seconds);
}

TEST(ProcessStatisticsTest, WhatIsNotKnownIsLeftOut) {
  ProcessStatistics statistics;
  statistics.cpu_seconds = 1.5;
  statistics.resident_bytes = 4096;
  const auto families = process_families(statistics);
  ASSERT_EQ(families.size(), 2U);
  EXPECT_EQ(families[0].name, "process_cpu_seconds_total");
  EXPECT_EQ(families[0].samples[0].value, 1.5);
  EXPECT_EQ(families[1].name, "process_resident_memory_bytes");
  EXPECT_EQ(families[1].samples[0].value, 4096);
}

}  // namespace
}  // namespace s3link::system
