#pragma once

#include <cstddef>
#include <functional>

#include "ports/awaitable.hpp"

namespace s3link::lambda {

/// Calls work(0), work(1), … work(count - 1), begun in this order, at most kAtOnce of them at a time; returns when all
/// have ended. `work` is no coroutine itself: it returns one, which must not throw: that would cancel the others.
inline constexpr std::size_t kAtOnce = 4;
Awaitable<void> for_each_at_once(std::size_t count, std::function<Awaitable<void>(std::size_t)> work);

}  // namespace s3link::lambda
