s3link_fuzzer(http_chunked DEPENDS s3link::http_server)
