# How the Lambda function is built (-DS3LINK_LAMBDA=ON): one static executable that needs nothing of the system it runs
# on. Why it is built so: docs/decisions/0031-static-lambda.md.
set(S3LINK_NOT_IN_LAMBDA config page pipeline server http_server smtp sqlite_store prometheus s3link doctor dns)

set(OPENSSL_USE_STATIC_LIBS ON)
set(Boost_USE_STATIC_LIBS ON)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
# Debian's CMake file of pugixml is about its shared library, and of fmt there is no archive.
find_library(S3LINK_PUGIXML libpugixml.a REQUIRED)
add_library(pugixml::pugixml STATIC IMPORTED)
set_target_properties(pugixml::pugixml PROPERTIES IMPORTED_LOCATION ${S3LINK_PUGIXML})
find_path(S3LINK_FMT_INCLUDE fmt/format.h REQUIRED)
add_library(s3link_fmt INTERFACE)
add_library(fmt::fmt ALIAS s3link_fmt)
target_include_directories(s3link_fmt SYSTEM INTERFACE ${S3LINK_FMT_INCLUDE})
target_compile_definitions(s3link_fmt INTERFACE FMT_HEADER_ONLY)

add_compile_options(-ffunction-sections -fdata-sections -fno-pie)
# The presets link with -static, which CMake's own trials need as well.
add_link_options(-Wl,--gc-sections -Wl,-s)
