s3link_fuzzer(mail_records DEPENDS s3link::doctor)
