s3link_fuzzer(aws_answers DEPENDS s3link::aws)
