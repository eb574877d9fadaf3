"""Access log objects, read by a pattern that is not ours.

The pattern is the one Amazon publishes for Athena ("Using Amazon S3 server access logs to identify requests", the table
definition's input.regex, of 26 fields), written down here as a Python expression, and what it says of fields that S3 may
add later: `(?: ...)?` at the end.
"""

import re
import urllib.parse

FIELDS = ("bucket_owner", "bucket", "time", "remote_ip", "requester", "request_id", "operation", "key", "request_uri",
          "status", "error_code", "bytes_sent", "object_size", "total_time", "turn_around_time", "referer", "user_agent",
          "version_id", "host_id", "signature_version", "cipher_suite", "authentication_type", "host_header",
          "tls_version", "access_point_arn", "acl_required", "source_region")

PATTERN = re.compile(
    r'([^ ]*) ([^ ]*) \[(.*?)\] ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ("[^"]*"|-) (-|[0-9]*) ([^ ]*) ([^ ]*) ([^ ]*)'
    r' ([^ ]*) ([^ ]*) ([^ ]*) ("[^"]*"|-) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*)'
    r' ([^ ]*)')


def logs_bucket(server):
    return server.settings.get("bucket.logs_name", f"{server.bucket}-access-logs")


def parse(text):
    """The records of one object, as dictionaries; every line must be one."""
    records = []
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        found = PATTERN.fullmatch(line)
        assert found, f"not a record: {line!r}"
        record = dict(zip(FIELDS, found.groups()))
        record["key"] = urllib.parse.unquote(urllib.parse.unquote(record["key"]))
        records.append(record)
    return records


def read_objects(server):
    """Key and text of each object of the logs bucket."""
    s3, bucket = server.s3(), logs_bucket(server)
    keys = [row["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for row in page.get("Contents", [])]
    texts = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("ascii") for key in keys}
    s3.close()
    return texts


def read_records(server):
    return [record for text in read_objects(server).values() for record in parse(text)]
