"""Lifecycle configurations, through boto3 and aws-cli: what they change, and what is refused."""

import datetime
import email.utils
import json
import re
import shutil
import subprocess

import botocore.exceptions
import pytest
from s3link_harness import wait_until

DAY = datetime.timedelta(days=1)


def expiring(rule_id, prefix, days, **more):
    return {"ID": rule_id, "Filter": {"Prefix": prefix}, "Status": "Enabled", "Expiration": {"Days": days}, **more}


def put_rules(server, s3, *rules):
    s3.put_bucket_lifecycle_configuration(Bucket=server.bucket, LifecycleConfiguration={"Rules": list(rules)})


def expiration(answer):
    """When and by which rule, as x-amz-expiration says."""
    date, rule = re.fullmatch(r'expiry-date="([^"]+)", rule-id="([^"]+)"', answer["Expiration"]).groups()
    return email.utils.parsedate_to_datetime(date), rule


def head(server, s3, key):
    return s3.head_object(Bucket=server.bucket, Key=key)


def test_rules_are_kept_and_answered(make_server):
    server = make_server()
    s3 = server.s3()
    rules = [expiring("all", "", 30), expiring("tmp/ rule", "tmp/", 1, Status="Disabled"),
             {"ID": "uploads", "Filter": {"Prefix": ""}, "Status": "Enabled",
              "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}}]
    put_rules(server, s3, *rules)
    server.stop()
    server.start()
    s3 = server.s3()
    assert s3.get_bucket_lifecycle_configuration(Bucket=server.bucket)["Rules"] == rules
    s3.delete_bucket_lifecycle(Bucket=server.bucket)
    with pytest.raises(botocore.exceptions.ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=server.bucket)


def test_objects_go_by_the_rule_and_the_mail_says_so(make_server):
    """The server keeps objects for an hour; a rule makes days of it, for what is there and for what comes."""
    server = make_server(settings={"bucket.object_ttl": "1h", "link.expiration": "1h"})
    s3 = server.s3()
    s3.put_object(Bucket=server.bucket, Key="x/before", Body=b"x")
    before = head(server, s3, "x/before")
    assert expiration(before)[1] == "object-ttl"
    put_rules(server, s3, expiring("all", "", 3), expiring("the x", "x/", 2))
    written = s3.put_object(Bucket=server.bucket, Key="x/after", Body=b"x")
    got = s3.get_object(Bucket=server.bucket, Key="x/after")
    when, rule = expiration(written)
    assert rule == "the%20x" and expiration(got) == (when, rule)
    assert abs(when - got["LastModified"] - 2 * DAY) < datetime.timedelta(seconds=1), "to the second, not to midnight"
    assert expiration(s3.put_object(Bucket=server.bucket, Key="y", Body=b"x"))[1] == "all"
    wait_until(lambda: expiration(head(server, s3, "x/before"))[1] == "the%20x", 10, "the rule on what was there")
    assert expiration(head(server, s3, "x/before"))[0] - expiration(before)[0] == 2 * DAY - datetime.timedelta(hours=1)


def test_a_shortened_time_moves_the_deadline_of_later_mails(make_server):
    """Links of two days, objects of nine; a rule of one day, and the next mail prints one day."""
    server = make_server(settings={"bucket.object_ttl": "9d", "link.expiration": "2d"})
    s3 = server.s3()
    s3.put_object(Bucket=server.bucket, Key="long", Body=b"x")
    server.wait_mails(1)
    put_rules(server, s3, expiring("short", "", 1))
    s3.put_object(Bucket=server.bucket, Key="short", Body=b"x")
    server.wait_mails(2)
    server.settled()
    deadlines = {}
    for row in server.deliveries("delivered"):
        deadline, created = (datetime.datetime.fromisoformat(row[name].replace("Z", "+00:00"))
                             for name in ("deadline", "created"))
        deadlines[row["key"]] = deadline - created
    assert abs(deadlines["long"] - 2 * DAY) < datetime.timedelta(minutes=5)
    assert deadlines["short"] <= DAY and DAY - deadlines["short"] < datetime.timedelta(minutes=5)


def test_without_rules_again_the_servers_time_counts(make_server):
    """Two seconds by the server, a day by the rule; when the rule goes, so do the objects."""
    server = make_server(settings={"bucket.object_ttl": "2s", "link.expiration": "2s"})
    s3 = server.s3()
    put_rules(server, s3, expiring("day", "kept", 1))
    s3.put_object(Bucket=server.bucket, Key="kept", Body=b"x" * 100_000)
    s3.put_object(Bucket=server.bucket, Key="other", Body=b"x")

    def keys():
        return [row["Key"] for row in s3.list_objects_v2(Bucket=server.bucket).get("Contents", [])]

    wait_until(lambda: keys() == ["kept"], 20, "the removal of what no rule matches")
    s3.delete_bucket_lifecycle(Bucket=server.bucket)
    wait_until(lambda: keys() == [], 20, "the removal of the rest")
    wait_until(lambda: server.object_files() == [], 20, "the file's removal")


@pytest.mark.parametrize("name, rule, code, part", [
    ("transition", {"ID": "r", "Filter": {}, "Status": "Enabled",
                    "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, "NotImplemented", "Transition"),
    ("tag", {"ID": "r", "Filter": {"Tag": {"Key": "k", "Value": "v"}}, "Status": "Enabled", "Expiration": {"Days": 1}},
     "NotImplemented", "Tag"),
    ("size", {"ID": "r", "Filter": {"ObjectSizeGreaterThan": 1}, "Status": "Enabled", "Expiration": {"Days": 1}},
     "NotImplemented", "ObjectSizeGreaterThan"),
    ("date", {"ID": "r", "Filter": {}, "Status": "Enabled", "Expiration": {"Date": datetime.datetime(2040, 1, 1)}},
     "NotImplemented", "Date"),
    ("noncurrent", {"ID": "r", "Filter": {}, "Status": "Enabled",
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}, "NotImplemented", "Noncurrent"),
    ("marker", {"ID": "r", "Filter": {}, "Status": "Enabled", "Expiration": {"ExpiredObjectDeleteMarker": True}},
     "NotImplemented", "ExpiredObjectDeleteMarker"),
    ("zero", {"ID": "r", "Filter": {}, "Status": "Enabled", "Expiration": {"Days": 0}}, "InvalidArgument", "Days"),
    ("too_long", {"ID": "r", "Filter": {}, "Status": "Enabled", "Expiration": {"Days": 4000}}, "InvalidArgument", "3650"),
    ("nothing", {"ID": "r", "Filter": {}, "Status": "Enabled"}, "InvalidRequest", "action"),
])
def test_what_is_not_offered_is_refused_by_name(server, name, rule, code, part):
    s3 = server.s3()
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        put_rules(server, s3, rule)
    assert refused.value.response["Error"]["Code"] == code
    assert part in refused.value.response["Error"]["Message"]
    with pytest.raises(botocore.exceptions.ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=server.bucket)


def aws(server, *arguments):
    done = subprocess.run(["aws", "--endpoint-url", server.endpoint, "s3api", *arguments],
                          env=server.client_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


@pytest.mark.skipif(shutil.which("aws") is None, reason="aws-cli is not installed")
def test_aws_cli_in_both_forms(server):
    rules = [expiring("a", "x/", 4)]
    aws(server, "put-bucket-lifecycle-configuration", "--bucket", server.bucket, "--lifecycle-configuration",
        json.dumps({"Rules": rules}))
    assert aws(server, "get-bucket-lifecycle-configuration", "--bucket", server.bucket)["Rules"] == rules
    older = [{"ID": "b", "Prefix": "y/", "Status": "Enabled", "Expiration": {"Days": 5}}]
    aws(server, "put-bucket-lifecycle", "--bucket", server.bucket, "--lifecycle-configuration",
        json.dumps({"Rules": older}))
    assert aws(server, "get-bucket-lifecycle-configuration", "--bucket", server.bucket)["Rules"] == older
    aws(server, "delete-bucket-lifecycle", "--bucket", server.bucket)
