#include "adapters/system/boot_clock.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace s3link::system {
namespace {

TEST(BootClockTest, GoesOn) {
  const auto first = since_boot();
  EXPECT_GT(first.count(), 0);
  EXPECT_GE(since_boot(), first);
}

TEST(BootClockTest, TheBootIsTheMachinesOrTheOneGiven) {
  std::string line;
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  const bool seen = static_cast<bool>(std::getline(file, line));
  const std::string id = boot_id([](const char*) { return "01234567-89ab-cdef-0123-456789abcdef"; });
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ(id == "0123456789abcdef0123456789abcdef", !seen);
  EXPECT_EQ(boot_id([](const char*) -> const char* { return nullptr; }).empty(), !seen);
}

}  // namespace
}  // namespace s3link::system
