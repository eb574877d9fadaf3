s3link_fuzzer(config DEPENDS s3link::config)
