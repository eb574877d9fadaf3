s3link_fuzzer(access_log DEPENDS s3link::s3)
