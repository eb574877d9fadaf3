s3link_fuzzer(xml DEPENDS s3link::s3)
