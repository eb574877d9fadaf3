#include "services/lambda/at_once.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>

namespace s3link::lambda {
namespace {

Awaitable<void> take_turns(std::size_t& next, std::size_t count,
                           const std::function<Awaitable<void>(std::size_t)>& work) {
  while (next < count) co_await work(next++);
}

}  // namespace

Awaitable<void> for_each_at_once(std::size_t count, std::function<Awaitable<void>(std::size_t)> work) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)
  std::size_t next = 0;
  if (count <= 1) {
    co_await take_turns(next, count, work);  // what S3 sends: worth no further coroutines
    co_return;
  }
  static_assert(kAtOnce == 4);
  co_await (take_turns(next, count, work) && take_turns(next, count, work) && take_turns(next, count, work) &&
            take_turns(next, count, work));
}

}  // namespace s3link::lambda
