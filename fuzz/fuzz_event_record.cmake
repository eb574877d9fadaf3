s3link_fuzzer(event_record DEPENDS s3link::event)
