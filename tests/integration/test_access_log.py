"""Access logs: every request to the exchange bucket is one record in an object of the logs bucket."""

import re
import sqlite3

import access_logs
import pytest
from raw_s3 import Connection, Signer, head_bytes, host_of, request, signed_request
from s3link_harness import wait_until

QUICK = {"access_log.flush_interval": "1s"}


def records_with(server, *wanted, timeout=30):
    """All records, once there is one for each (operation, key) of `wanted`."""
    def all_there():
        records = access_logs.read_records(server)
        seen = {(record["operation"], record["key"]) for record in records}
        return set(wanted) <= seen and records

    return wait_until(all_there, timeout, f"records of {wanted}", interval=0.2)


def journal_lines(server):
    """How many lines are on disk and in no object yet."""
    database = sqlite3.connect(f"file:{server.data_dir / 's3link.db'}?mode=ro", uri=True, timeout=10)
    try:
        return database.execute("SELECT coalesce(sum(line_count), 0) FROM access_log_journal").fetchone()[0]
    finally:
        database.close()


def test_requests_become_records_that_others_can_read(make_server):
    server = make_server(settings=QUICK)
    s3 = server.s3()
    s3.put_object(Bucket=server.bucket, Key="a b/ä.txt", Body=b"12345")
    assert s3.get_object(Bucket=server.bucket, Key="a b/ä.txt", Range="bytes=1-2")["Body"].read() == b"23"
    s3.list_objects_v2(Bucket=server.bucket)
    upload = s3.create_multipart_upload(Bucket=server.bucket, Key="m")["UploadId"]
    s3.upload_part(Bucket=server.bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket=server.bucket, Key="m", UploadId=upload)
    records = records_with(server, ("REST.PUT.OBJECT", "a b/ä.txt"), ("REST.GET.OBJECT", "a b/ä.txt"),
                           ("REST.GET.BUCKET", "-"), ("REST.POST.UPLOADS", "m"), ("REST.PUT.PART", "m"),
                           ("REST.DELETE.UPLOAD", "m"))
    by_operation = {record["operation"]: record for record in records}
    put, get = by_operation["REST.PUT.OBJECT"], by_operation["REST.GET.OBJECT"]
    for record in records:
        assert record["bucket"] == server.bucket and record["bucket_owner"] == "s3link"
        assert record["remote_ip"] == "127.0.0.1" and record["requester"] == server.access_key_id
        assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", record["time"])
        assert re.fullmatch(r"[0-9A-F]{16}", record["request_id"]) and record["total_time"].isdigit()
        assert record["signature_version"] == "SigV4" and record["authentication_type"] == "AuthHeader"
        assert record["host_header"] == host_of(server) and record["source_region"] == server.region
        assert "Boto3" in record["user_agent"] and record["tls_version"] == record["cipher_suite"] == "-"
    assert put["status"] == "200" and put["object_size"] == "5" and put["bytes_sent"] == "-"
    assert get["status"] == "206" and get["object_size"] == "5" and get["bytes_sent"] == "2"
    for key in access_logs.read_objects(server):
        assert re.fullmatch(r"_access_logs\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}", key)
    assert len(records) == 6, "once each, and nothing of our own paths"


def test_secrets_are_blanked_and_refused_requests_are_there(make_server):
    server = make_server(settings=QUICK)
    s3 = server.s3()
    s3.put_object(Bucket=server.bucket, Key="k", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": server.bucket, "Key": "k"})
    signature = re.search(r"X-Amz-Signature=([0-9a-f]+)", url).group(1)
    assert server.fetch(url).status == 200
    assert server.fetch(url, headers={"Referer": url}).status == 200
    assert server.fetch(url.replace("/k?", "/other?")).status == 403
    assert server.fetch(url + "&X-Amz-Security-Token=tell-nobody").status in (400, 403)
    assert server.get(f"/{server.bucket}/anonymous").status == 403
    hostile = Signer.of(server)
    with Connection(server) as connection:
        headers = {"Host": host_of(server), "User-Agent": 'a" - "-" \x01\xff b', "Content-Length": "0"}
        hostile.sign("GET", f"/{server.bucket}/missing", headers, "UNSIGNED-PAYLOAD")
        connection.send(head_bytes("GET", f"/{server.bucket}/missing", headers))
        answer = connection.read_answer()
    records = records_with(server, ("REST.PUT.OBJECT", "k"), ("REST.GET.OBJECT", "other"),
                           ("REST.GET.OBJECT", "anonymous"))
    texts = "".join(access_logs.read_objects(server).values())
    assert signature not in texts and "tell-nobody" not in texts
    presigned = [record for record in records if record["authentication_type"] == "QueryString"]
    assert len(presigned) == 2 and all("X-Amz-Signature=-" in record["request_uri"] for record in presigned)
    assert all("X-Amz-Credential=" in record["request_uri"] for record in presigned)
    by_key = {record["key"]: record for record in records}
    assert by_key["other"]["status"] == "403" and by_key["other"]["error_code"] == "SignatureDoesNotMatch"
    assert by_key["other"]["requester"] == "-" and by_key["other"]["signature_version"] == "-"
    assert by_key["anonymous"]["status"] == "403" and by_key["anonymous"]["error_code"] == "AccessDenied"
    if answer is not None and answer.status == 404:  # a server may also refuse such a head as a whole
        missing = next(r for r in records_with(server, ("REST.GET.OBJECT", "missing")) if r["key"] == "missing")
        assert missing["error_code"] == "NoSuchKey" and missing["user_agent"].startswith('"a%22 - %22-%22 %01')


def test_tls_is_told(make_server, certificate):
    server = make_server(settings=QUICK, certificate=certificate)
    server.s3().put_object(Bucket=server.bucket, Key="k", Body=b"x")
    (record,) = records_with(server, ("REST.PUT.OBJECT", "k"))
    assert record["tls_version"] in ("TLSv1.2", "TLSv1.3") and record["cipher_suite"].count("AES") == 1


def test_the_logs_bucket_is_private_stays_and_is_neither_mailed_nor_logged(make_server):
    server = make_server(settings=QUICK)
    s3, logs = server.s3(), f"{server.bucket}-access-logs"
    assert logs in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.put_object(Bucket=server.bucket, Key="k", Body=b"x")
    records_with(server, ("REST.PUT.OBJECT", "k"))
    (key,) = access_logs.read_objects(server)
    head = s3.head_object(Bucket=logs, Key=key)
    assert head["ContentType"] == "text/plain"
    kept = re.search(r'expiry-date="([^"]+)"', head["Expiration"]).group(1)
    assert kept and 'rule-id="object-ttl"' in head["Expiration"]
    assert server.get(f"/{logs}/{key}").status == 403
    assert request(server, "DELETE", f"/{logs}").code == "AccessDenied"
    assert request(server, "PUT", f"/{logs}?lifecycle", b"<LifecycleConfiguration/>").code == "AccessDenied"
    for method, target in ("PUT", key), ("DELETE", key), ("PUT", "_access_logs2026-01-01-00-00-00-0123456789ABCDEF"):
        refused = request(server, method, f"/{logs}/{target}", b"forged" if method == "PUT" else b"")
        assert (refused.status, refused.code) == (403, "AccessDenied"), (method, target)
    assert list(access_logs.read_objects(server)) == [key]
    s3.put_object(Bucket=server.bucket, Key="second", Body=b"x")
    records = records_with(server, ("REST.PUT.OBJECT", "second"))
    assert {record["bucket"] for record in records} == {server.bucket} and len(records) == 2
    server.settled()
    assert len(server.mails()) == 2
    assert {row["key"] for row in server.deliveries()} == {"k", "second"}


def test_log_objects_go_by_their_own_time(make_server):
    server = make_server(settings=QUICK | {"access_log.object_ttl": "3s"})
    server.s3().put_object(Bucket=server.bucket, Key="k", Body=b"x")
    wait_until(lambda: access_logs.read_objects(server), 20, "the object", interval=0.1)
    wait_until(lambda: not access_logs.read_objects(server), 20, "its removal", interval=0.1)
    server.s3().head_object(Bucket=server.bucket, Key="k")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_no_line_that_was_kept_is_lost_or_doubled(make_server, end):
    """Long before the interval is over: after a second the lines are in the journal; the next start makes the object."""
    server = make_server(settings={"access_log.flush_interval": "1h"})
    s3 = server.s3()
    for number in range(20):
        s3.put_object(Bucket=server.bucket, Key=f"k{number}", Body=b"x")
    if end == "kill":
        wait_until(lambda: journal_lines(server) == 20, 20, "the journal")
        server.kill()
    else:
        server.stop()
    server.start()
    wait_until(lambda: access_logs.read_objects(server), 20, "the object of the earlier run", interval=0.1)
    assert sorted(record["key"] for record in access_logs.read_records(server)) == sorted(f"k{n}" for n in range(20))
    server.kill()
    server.start()
    assert len(access_logs.read_records(server)) == 20


def test_a_flood_of_refused_requests_costs_no_line_of_an_authenticated_one(make_server):
    server = make_server(settings=QUICK)
    refused = head_bytes("GET", f"/{server.bucket}/" + "%FF" * 400, {"Host": host_of(server)})
    with Connection(server) as stranger:
        for number in range(100):
            stranger.send(refused * 40)
            for _ in range(40):
                assert stranger.read_answer().status == 403
            assert request(server, "PUT", f"/{server.bucket}/k{number}", b"x").status == 200
    wanted = [f"k{number}" for number in range(100)]
    records = records_with(server, *(("REST.PUT.OBJECT", key) for key in wanted))
    assert sum(record["operation"] == "REST.PUT.OBJECT" for record in records) == 100


def test_the_oldest_log_objects_go_when_all_hold_more_than_they_may(make_server):
    server = make_server(settings=QUICK | {"access_log.max_bytes": "1MiB"})
    agent = {"User-Agent": "a" * 500}
    with Connection(server) as client:
        number = 0
        while "oldest access logs removed" not in server.log():
            for _ in range(100):
                client.send(b"".join(signed_request(server, "GET", f"/{server.bucket}/k{number}", headers=dict(agent))))
                assert client.read_answer().status == 404
                number += 1
            assert number < 20_000, "nothing was removed"
    server.stop()
    server.environment["S3LINK_ACCESS_LOG_FLUSH_INTERVAL"] = "1h"  # what is left becomes an object, then nothing changes
    server.start()
    wait_until(lambda: journal_lines(server) == 0, 20, "the last object", interval=0.1)
    kept = access_logs.read_objects(server)
    assert 0 < sum(map(len, kept.values())) <= 1 << 20
    records = access_logs.read_records(server)
    assert "k0" not in {record["key"] for record in records}, "the oldest"
