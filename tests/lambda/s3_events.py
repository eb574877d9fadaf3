"""Events as S3, EventBridge and the S3 console send them.

Source: Amazon S3 User Guide, "Event message structure".
"""

import datetime
import hashlib
import itertools

from aws_peers import form_encoded

_sequence = itertools.count(1)


def record(bucket, key, size=1024, etag=None, region="eu-central-1", name="ObjectCreated:Put", sequencer=None, when=None,
           version_id=None, encoded_key=None):
    when = when or datetime.datetime.now(datetime.timezone.utc)
    thing = {"key": form_encoded(key) if encoded_key is None else encoded_key, "size": size,
             "eTag": etag or hashlib.md5(f"{bucket}/{key}".encode()).hexdigest(),
             "sequencer": sequencer or f"0055AED6DCD9{next(_sequence):06X}"}
    if version_id:
        thing["versionId"] = version_id
    return {
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": region,
        "eventTime": when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z", "eventName": name,
        "userIdentity": {"principalId": "AWS:AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "192.0.2.7"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810",
                             "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD"},
        "s3": {"s3SchemaVersion": "1.0", "configurationId": "mail",
               "bucket": {"name": bucket, "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                          "arn": f"arn:aws:s3:::{bucket}"},
               "object": thing},
    }


def notification(*records):
    return {"Records": list(records)}


def event_of(aws, *keys):
    """The notification of uploads to the account's bucket."""
    return notification(*(record(aws.bucket, key) for key in keys))


def test_event(bucket):
    return {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-22T10:00:00.000Z", "Bucket": bucket,
            "RequestId": "5582815E1AEA5ADF", "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE"}


test_event.__test__ = False  # no test of pytest's


def schedule(rule="link-generator-Sweep", region="eu-central-1", when=None):
    """What an EventBridge rule with a schedule sends when it names no input of its own."""
    when = when or datetime.datetime.now(datetime.timezone.utc)
    return {"version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
            "source": "aws.events", "account": "123456789012", "time": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region, "resources": [f"arn:aws:events:{region}:123456789012:rule/{rule}"], "detail": {}}
