#include "services/lambda/at_once.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <numeric>
#include <vector>

#include "support/run_sync.hpp"

namespace s3link::lambda {
namespace {

using test_support::run_sync;

/// Work that others can get in between of, and what was seen of it.
struct Seen {
  std::size_t running = 0;
  std::size_t most = 0;
  std::size_t ended = 0;
  std::vector<std::size_t> begun;
};

Awaitable<void> step(Seen& seen, std::size_t i) {
  seen.begun.push_back(i);
  seen.most = std::max(seen.most, ++seen.running);
  // Different lengths, so that who began first does not end first.
  for (std::size_t turns = 1 + i % 3; turns > 0; --turns) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
  --seen.running;
  ++seen.ended;
}

Awaitable<void> count(std::size_t& done) {
  ++done;
  co_return;
}

struct CountCase {
  std::string name;
  std::size_t count, want_at_once;
};
const std::vector<CountCase> kCountCases = {
    {"none", 0, 0}, {"one", 1, 1}, {"two", 2, 2}, {"as_many_as_go", 4, 4}, {"one_more", 5, 4}, {"hundred", 100, 4},
};
class CountTest : public testing::TestWithParam<CountCase> {};
TEST_P(CountTest, AllBeginInOrderAndEndAndNeverTooManyRun) {
  Seen seen;
  run_sync(for_each_at_once(GetParam().count, [&seen](std::size_t i) { return step(seen, i); }));
  std::vector<std::size_t> all(GetParam().count);
  std::iota(all.begin(), all.end(), 0U);
  EXPECT_EQ(seen.begun, all);
  EXPECT_EQ(seen.ended, GetParam().count);
  EXPECT_EQ(seen.most, GetParam().want_at_once);
}
INSTANTIATE_TEST_SUITE_P(Table, CountTest, testing::ValuesIn(kCountCases),
                         [](const auto& row) { return row.param.name; });

TEST(ForEachAtOnce, WorkThatNeverWaitsIsDoneAsWell) {
  std::size_t done = 0;
  run_sync(for_each_at_once(1000, [&done](std::size_t) { return count(done); }));
  EXPECT_EQ(done, 1000U);
}

}  // namespace
}  // namespace s3link::lambda
