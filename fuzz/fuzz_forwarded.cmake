s3link_fuzzer(forwarded DEPENDS s3link::base)
