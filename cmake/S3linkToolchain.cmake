# The language, warnings and sanitizers every target is built with.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR "g++ ${CMAKE_CXX_COMPILER_VERSION} destroys temporaries inside co_await twice. "
                      "Use clang 19 (cmake --preset release) or g++ 14 or newer.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(S3LINK_CCACHE ccache)
if(S3LINK_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What ccache asks of users of precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${S3LINK_CCACHE})
endif()

add_library(s3link_options INTERFACE)
target_include_directories(s3link_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(s3link_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                                                -Wnon-virtual-dtor -Wunused-result)
target_compile_definitions(s3link_options INTERFACE S3LINK_VERSION="${PROJECT_VERSION}"
  # Boost.Asio: the new executors only; nothing of the deprecated interface.
  BOOST_ASIO_NO_DEPRECATED)
if(S3LINK_WERROR)
  target_compile_options(s3link_options INTERFACE -Werror)
endif()
if(S3LINK_SANITIZE)
  add_compile_options(-fsanitize=${S3LINK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${S3LINK_SANITIZE})
  if(S3LINK_SANITIZE MATCHES "thread")
    # ThreadSanitizer does not model atomic_thread_fence.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()
if(S3LINK_FUZZ)
  # Coverage of the libraries guides the fuzzers; only the fuzzers themselves link libFuzzer's main.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
