s3link_fuzzer(otlp_answer DEPENDS s3link::otlp)
