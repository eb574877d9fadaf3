s3link_fuzzer(trace_header DEPENDS s3link::trace)
