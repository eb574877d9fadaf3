s3link_fuzzer(foreign_text DEPENDS s3link::base)
