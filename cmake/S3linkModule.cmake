# s3link_modules(NAME ...): adds those subfolders that exist, without what a build of the Lambda function has no use for.
macro(s3link_modules)
  foreach(module ${ARGN})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${module}/CMakeLists.txt
       AND NOT (S3LINK_LAMBDA AND module IN_LIST S3LINK_NOT_IN_LAMBDA))
      add_subdirectory(${module})
    endif()
  endforeach()
endmacro()

# s3link_module(NAME SOURCES ... [TESTS ...] DEPENDS ...)
#
# One static library `s3link_NAME`, known as `s3link::NAME`, from the sources of the calling folder. TESTS, beside the
# code, become one executable `NAME_test`, known to ctest by that name. DEPENDS is what target_link_libraries takes.
# TEST_DEPENDS is linked to the tests only.
function(s3link_module name)
  cmake_parse_arguments(MODULE "" "" "SOURCES;TESTS;DEPENDS;TEST_DEPENDS" ${ARGN})
  add_library(s3link_${name} STATIC ${MODULE_SOURCES})
  add_library(s3link::${name} ALIAS s3link_${name})
  target_link_libraries(s3link_${name} PUBLIC s3link_options ${MODULE_DEPENDS})
  s3link_use_precompiled(s3link_${name} "")
  if(S3LINK_TESTS AND MODULE_TESTS)
    s3link_test(${name}_test SOURCES ${MODULE_TESTS} DEPENDS s3link::${name} ${MODULE_TEST_DEPENDS})
  endif()
endfunction()

# s3link_test(NAME SOURCES ... DEPENDS ...): a GoogleTest executable, run by ctest as NAME.
function(s3link_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE s3link_options ${TEST_DEPENDS} GTest::gmock GTest::gtest_main)
  s3link_use_precompiled(${name} _test)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1 --gtest_output=xml:${PROJECT_BINARY_DIR}/test-results/${name}.xml)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()
