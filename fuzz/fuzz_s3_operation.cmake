s3link_fuzzer(s3_operation DEPENDS s3link::s3 s3link::sigv4)
