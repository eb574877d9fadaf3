s3link_fuzzer(sigv4 DEPENDS s3link::sigv4)
