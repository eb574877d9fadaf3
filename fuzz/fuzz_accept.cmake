s3link_fuzzer(accept DEPENDS s3link::page)
