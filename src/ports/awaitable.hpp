#pragma once

#include <boost/asio/awaitable.hpp>

namespace s3link {

namespace asio = boost::asio;

/// What every port returns. A coroutine resumes on the executor of its caller, whatever thread did the work.
template <class T>
using Awaitable = asio::awaitable<T>;

}  // namespace s3link
