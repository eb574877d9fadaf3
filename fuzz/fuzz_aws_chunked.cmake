s3link_fuzzer(aws_chunked DEPENDS s3link::sigv4)
target_include_directories(fuzz_aws_chunked PRIVATE ${PROJECT_SOURCE_DIR}/tests)
