# What Debian's `hardening=+all` sets, and the checks of libstdc++'s own preconditions (an index beyond a vector's end, an
# empty optional read: the process ends with file and line). Why, and what of it the static bootstrap can have:
# docs/decisions/0070-hardening.md. tests/integration/test_hardening.py looks into what was built.
option(S3LINK_HARDENING "Build release binaries with Debian's hardening flags" ON)

add_compile_definitions(_GLIBCXX_ASSERTIONS)
# _FORTIFY_SOURCE needs optimisation, and the sanitizers bring checks of their own that it would hide.
if(NOT S3LINK_HARDENING OR S3LINK_SANITIZE OR S3LINK_FUZZ OR NOT CMAKE_BUILD_TYPE MATCHES "Rel")
  return()
endif()

add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
                    -fstack-protector-strong -fstack-clash-protection
                    -Wformat -Werror=format-security)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i.86)$")
  add_compile_options(-fcf-protection)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  add_compile_options(-mbranch-protection=standard)
endif()
add_link_options(-Wl,-z,relro -Wl,-z,now)
if(NOT S3LINK_LAMBDA)  # static and at a fixed address on purpose
  add_compile_options(-fPIE)
  add_link_options(-pie)
endif()
