s3link_fuzzer(http_head DEPENDS s3link::http_server)
