# Four precompiled headers, each compiled once and used by every target of its kind: {pure, coroutine} × {code, test}.
# They hold system headers only, so a change of ours rebuilds none of them, and the core cannot reach Asio by one
# (tests/layering reads what sources include themselves). -DS3LINK_PCH=OFF builds without them and proves that each
# source includes what it needs.
option(S3LINK_PCH "Use precompiled headers" ON)

set(pure_headers <algorithm> <array> <charconv> <chrono> <cstddef> <cstdint> <expected> <filesystem> <fstream>
    <functional> <map> <memory> <optional> <span> <string> <string_view> <utility> <vector> <fmt/format.h>)
set(coroutine_headers <atomic> <deque> <mutex> <thread> <boost/asio/as_tuple.hpp> <boost/asio/awaitable.hpp>
    <boost/asio/co_spawn.hpp> <boost/asio/io_context.hpp> <boost/asio/post.hpp> <boost/asio/steady_timer.hpp>
    <boost/asio/this_coro.hpp> <boost/asio/use_awaitable.hpp>)

function(s3link_precompile kind)
  cmake_parse_arguments(PCH "" "" "HEADERS;LINK" ${ARGN})
  add_library(s3link_pch_${kind} OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/cmake/pch/empty.cpp)
  target_link_libraries(s3link_pch_${kind} PRIVATE s3link_options fmt::fmt Threads::Threads ${PCH_LINK})
  target_precompile_headers(s3link_pch_${kind} PRIVATE ${PCH_HEADERS})
endfunction()

if(S3LINK_PCH)
  # Without the time stamp the file depends on nothing but its contents, and ccache can serve it and what uses it.
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  s3link_precompile(pure HEADERS ${pure_headers})
  s3link_precompile(coroutine HEADERS ${pure_headers} ${coroutine_headers} LINK Boost::headers)
  if(S3LINK_TESTS)
    s3link_precompile(pure_test HEADERS ${pure_headers} <gtest/gtest.h> LINK GTest::gtest)
    s3link_precompile(coroutine_test HEADERS ${pure_headers} ${coroutine_headers} <gtest/gtest.h>
                      LINK Boost::headers GTest::gtest)
  endif()
endif()

# The kind is read off the folder: what stands in src/core is pure.
function(s3link_use_precompiled target suffix)
  if(NOT S3LINK_PCH)
    return()
  endif()
  set(kind coroutine)
  if(CMAKE_CURRENT_SOURCE_DIR MATCHES "/src/core/")
    set(kind pure)
  endif()
  target_precompile_headers(${target} REUSE_FROM s3link_pch_${kind}${suffix})
endfunction()
