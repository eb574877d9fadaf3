#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "ports/awaitable.hpp"

namespace s3link::test_support {

namespace detail {
template <class T>
Awaitable<void> keep_result(Awaitable<T> work, std::optional<T>& out) {
  out.emplace(co_await std::move(work));
}
}  // namespace detail

/// Runs a coroutine to its end on an io_context of its own and returns what it returned, or throws what it threw.
/// std::logic_error when it waits for something that never comes and nothing else is left to run.
inline void run_sync(Awaitable<void> work) {
  asio::io_context io;
  bool done = false;
  std::exception_ptr failure;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr e) {
    done = true;
    failure = std::move(e);
  });
  io.run();
  if (failure) std::rethrow_exception(failure);
  if (!done) throw std::logic_error("the coroutine never finished");
}

template <class T>
  requires(!std::is_void_v<T>)
T run_sync(Awaitable<T> work) {
  std::optional<T> out;
  run_sync(detail::keep_result(std::move(work), out));
  return std::move(*out);
}

}  // namespace s3link::test_support
