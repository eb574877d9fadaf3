s3link_fuzzer(dead_letter_selection DEPENDS s3link::server)
