"""Wrong requests over real sockets: the AWS error code and status, nothing stored, nothing leaked, service as before."""

import base64
import collections
import hashlib
import json
import re
import urllib.parse
import zlib

import pytest
from raw_s3 import (STREAMING_SIGNED, STREAMING_UNSIGNED_TRAILER, UNSIGNED, Connection, Signer, amz_date, exchange,
                    head_bytes, host_of, open_what_is_opened_once, request, signed_request)
from s3link_harness import wait_until

BODY = b"these bytes must not be kept"
TARGET = "/file-exchange/refused.txt"


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def kinds(descriptors):
    """How many there are of each kind; sockets and pipes are told by their numbers, which say nothing."""
    return collections.Counter(re.sub(r":\[\d+\]$", "", target) for target in descriptors)


@pytest.fixture
def unharmed(server):
    """The server of the test; afterwards nothing is stored, no descriptor is left, and a right request is served."""
    open_what_is_opened_once(server)
    before = kinds(server.descriptors())
    yield server
    s3 = server.s3()
    assert s3.list_objects_v2(Bucket=server.bucket).get("Contents", []) == []
    assert s3.list_multipart_uploads(Bucket=server.bucket).get("Uploads", []) == []
    s3.close()
    wait_until(lambda: server.object_files() == [], 10, "no body files")
    assert server.deliveries() == []
    wait_until(lambda: kinds(server.descriptors()) <= before, 10,
               lambda: f"nothing open beyond what was; is: {kinds(server.descriptors()) - before}")
    assert server.process.poll() is None
    assert request(server, "PUT", "/file-exchange/good.txt", b"good").status == 200
    server.wait_mails(1)


def check(answer, status, code):
    assert answer is not None, "the connection was closed without an answer"
    assert (answer.status, answer.code) == (status, code), str(answer)


# -- who is asking ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method,target", [("GET", "/"), ("GET", "/file-exchange"), ("GET", TARGET), ("PUT", TARGET),
                                           ("DELETE", TARGET), ("POST", "/file-exchange?delete"),
                                           ("GET", "/_/api/v1/deliveries")])
def test_nothing_is_open_to_the_unsigned(unharmed, method, target):
    head = head_bytes(method, target, {"Host": host_of(unharmed), "Content-Length": "0"})
    check(exchange(unharmed, head), 403, "AccessDenied")


def test_wrong_secret(unharmed):
    signer = Signer(unharmed.access_key_id, "x" * 40)
    check(request(unharmed, "PUT", TARGET, BODY, signer=signer), 403, "SignatureDoesNotMatch")


def test_unknown_access_key(unharmed):
    signer = Signer("AKIAIOSFODNN7EXAMPLE", unharmed.secret_access_key)
    check(request(unharmed, "PUT", TARGET, BODY, signer=signer), 403, "InvalidAccessKeyId")


@pytest.mark.parametrize("minutes", [-16, 16])
def test_clock_skew(unharmed, minutes):
    check(request(unharmed, "PUT", TARGET, BODY, date=amz_date(minutes * 60)), 403, "RequestTimeTooSkewed")


def test_skew_within_the_limit_is_served(server):
    for minutes in (-14, 14):
        assert request(server, "GET", "/file-exchange", date=amz_date(minutes * 60)).status == 200


def test_a_changed_target_breaks_the_signature(unharmed):
    head, body = signed_request(unharmed, "PUT", TARGET, BODY)
    check(exchange(unharmed, head.replace(b"refused.txt", b"changed.txt"), body), 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("region,service", [("eu-central-1", "s3"), ("us-east-1", "ec2")])
def test_scope_of_another_place(unharmed, region, service):
    signer = Signer(unharmed.access_key_id, unharmed.secret_access_key, region, service)
    check(request(unharmed, "PUT", TARGET, BODY, signer=signer), 400, "AuthorizationHeaderMalformed")


@pytest.mark.parametrize("value", ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host",
                                   "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, Signature=00"])
def test_malformed_authorization(unharmed, value):
    head = head_bytes("PUT", TARGET, {"Host": host_of(unharmed), "Content-Length": str(len(BODY)), "Authorization": value,
                                      "x-amz-date": amz_date(), "x-amz-content-sha256": UNSIGNED})
    check(exchange(unharmed, head, BODY), 400, "AuthorizationHeaderMalformed")


def test_signature_version_2_is_refused_in_clear_words(unharmed):
    head = head_bytes("PUT", TARGET, {"Host": host_of(unharmed), "Content-Length": str(len(BODY)),
                                      "Authorization": f"AWS {unharmed.access_key_id}:c2lnbmF0dXJl"})
    answer = exchange(unharmed, head, BODY)
    check(answer, 400, "InvalidRequest")
    assert b"AWS4-HMAC-SHA256" in answer.body
    query = f"AWSAccessKeyId={unharmed.access_key_id}&Expires=4000000000&Signature=c2lnbmF0dXJl"
    check(exchange(unharmed, head_bytes("GET", f"{TARGET}?{query}", {"Host": host_of(unharmed)})), 400, "InvalidRequest")


@pytest.mark.parametrize("name,value", [("x-amz-copy-source", "/file-exchange/other"), ("x-amz-acl", "public-read"),
                                        ("x-amz-meta-a", "b")])
def test_unsigned_amz_header(unharmed, name, value):
    check(request(unharmed, "PUT", TARGET, BODY, headers={name: value}, unsigned=(name,)), 403, "AccessDenied")


def test_unsigned_amz_header_on_a_presigned_url(unharmed):
    target = Signer.of(unharmed).presign(host_of(unharmed), TARGET, method="PUT")
    head = head_bytes("PUT", target, {"Host": host_of(unharmed), "Content-Length": "0",
                                      "x-amz-copy-source": "/file-exchange/other"})
    check(exchange(unharmed, head), 403, "AccessDenied")


def test_header_and_query_authentication_at_once(unharmed):
    target = Signer.of(unharmed).presign(host_of(unharmed), TARGET)
    check(request(unharmed, "GET", target), 400, "InvalidArgument")


# -- presigned URLs -----------------------------------------------------------------------------------------------------


def get_presigned(server, **options):
    target = Signer.of(server).presign(host_of(server), TARGET, **options)
    return exchange(server, head_bytes("GET", target, {"Host": host_of(server)}))


def test_presigned_url_in_time_reaches_the_object(unharmed):
    check(get_presigned(unharmed), 404, "NoSuchKey")


def test_expired_presigned_url(unharmed):
    answer = get_presigned(unharmed, expires=60, date=amz_date(-61))
    check(answer, 403, "AccessDenied")
    assert b"expired" in answer.body


@pytest.mark.parametrize("expires", [0, 604801, -1, "soon"])
def test_presigned_url_of_impossible_life(unharmed, expires):
    check(get_presigned(unharmed, expires=expires), 400, "AuthorizationQueryParametersError")


def test_presigned_url_from_the_future(unharmed):
    check(get_presigned(unharmed, date=amz_date(16 * 60)), 403, "AccessDenied")


def test_presigned_url_for_another_method(unharmed):
    target = Signer.of(unharmed).presign(host_of(unharmed), TARGET)
    head = head_bytes("PUT", target, {"Host": host_of(unharmed), "Content-Length": str(len(BODY))})
    check(exchange(unharmed, head, BODY), 403, "SignatureDoesNotMatch")


# -- what is sent -------------------------------------------------------------------------------------------------------


def test_body_other_than_its_signed_hash(unharmed):
    head, body = signed_request(unharmed, "PUT", TARGET, BODY)
    check(exchange(unharmed, head, body[::-1]), 400, "XAmzContentSHA256Mismatch")


def test_wrong_content_md5(unharmed):
    check(request(unharmed, "PUT", TARGET, BODY, headers={"Content-MD5": md5(b"other")}), 400, "BadDigest")


@pytest.mark.parametrize("value", ["AAAA", "not base64 at all"])
def test_malformed_content_md5(unharmed, value):
    check(request(unharmed, "PUT", TARGET, BODY, headers={"Content-MD5": value}), 400, "InvalidDigest")


@pytest.mark.parametrize("name,size", [("crc32", 4), ("crc32c", 4), ("crc64nvme", 8), ("sha1", 20), ("sha256", 32)])
def test_wrong_checksum(unharmed, name, size):
    value = base64.b64encode(bytes(size)).decode()
    check(request(unharmed, "PUT", TARGET, BODY, headers={f"x-amz-checksum-{name}": value}), 400, "BadDigest")


def test_malformed_checksum(unharmed):
    check(request(unharmed, "PUT", TARGET, BODY, headers={"x-amz-checksum-crc32": "AAAA"}), 400, "InvalidRequest")


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_truncated_body(unharmed, size):
    head, _ = signed_request(unharmed, "PUT", TARGET, b"", headers={"Content-Length": str(size)}, payload_hash=UNSIGNED)
    with Connection(unharmed) as connection:
        connection.send(head + b"x" * (size // 2))
        connection.end_of_sending()
        answer = connection.read_answer()
    assert answer is None or (answer.status, answer.code) == (400, "IncompleteBody"), str(answer)


def test_connection_lost_in_the_middle_of_a_large_body(unharmed):
    size = 8 << 20
    head, _ = signed_request(unharmed, "PUT", TARGET, b"", headers={"Content-Length": str(size)}, payload_hash=UNSIGNED)
    with Connection(unharmed) as connection:
        connection.send(head + bytes(size // 2))
        wait_until(unharmed.object_files, 10, "a body file in the making")


def test_missing_content_length(unharmed):
    headers = {"Host": host_of(unharmed)}
    Signer.of(unharmed).sign("PUT", TARGET, headers, UNSIGNED)
    check(exchange(unharmed, head_bytes("PUT", TARGET, headers)), 411, "MissingContentLength")


@pytest.mark.parametrize("value", ["-1", "12x", "99999999999999999999999", "1, 2"])
def test_impossible_content_length(unharmed, value):
    headers = {"Host": host_of(unharmed), "Content-Length": value}
    Signer.of(unharmed).sign("PUT", TARGET, headers, UNSIGNED)
    answer = exchange(unharmed, head_bytes("PUT", TARGET, headers))
    assert answer is None or answer.status == 400, str(answer)


def test_content_length_and_chunks_at_once(unharmed):
    """Request smuggling needs two opinions on where a body ends."""
    headers = {"Host": host_of(unharmed), "Content-Length": "5", "Transfer-Encoding": "chunked"}
    Signer.of(unharmed).sign("PUT", TARGET, headers, UNSIGNED)
    answer = exchange(unharmed, head_bytes("PUT", TARGET, headers), b"0\r\n\r\n")
    assert answer is None or answer.status == 400, str(answer)


def test_larger_than_allowed(make_server):
    server = make_server(settings={"server.max_object_size": "1KiB"})
    check(request(server, "PUT", TARGET, bytes(1025)), 400, "EntityTooLarge")
    assert request(server, "PUT", "/file-exchange/fits", bytes(1024)).status == 200


def streaming_put(server, body_of, decoded_length, payload=STREAMING_SIGNED, extra=None, encoding="aws-chunked"):
    """`body_of(signer, seed signature, date)` makes the encoded body."""
    signer, date = Signer.of(server), amz_date()
    headers = {"Host": host_of(server), "Content-Encoding": encoding,
               "x-amz-decoded-content-length": str(decoded_length), **(extra or {})}
    seed = signer.sign("PUT", TARGET, headers, payload, date=date)
    body = body_of(signer, seed, date)
    headers["Content-Length"] = str(len(body))
    return exchange(server, head_bytes("PUT", TARGET, headers), body)


CHUNKS = [b"a" * 65536, b"b" * 100]
CHUNKS_LENGTH = sum(map(len, CHUNKS))


def test_signed_chunks_are_served(server):
    """The twin of what follows: the same request without anything wrong."""
    assert streaming_put(server, lambda signer, seed, date: signer.signed_chunks(CHUNKS, seed, date),
                         CHUNKS_LENGTH).status == 200
    assert request(server, "GET", TARGET).body == b"".join(CHUNKS)


@pytest.mark.parametrize("change,status,code", [
    pytest.param(lambda body: body.replace(b"b" * 100, b"c" * 100), 403, "SignatureDoesNotMatch", id="data"),
    pytest.param(lambda body: re.sub(rb"(signature=)[0-9a-f]{64}", rb"\g<1>" + b"0" * 64, body, 1), 403,
                 "SignatureDoesNotMatch", id="signature"),
    pytest.param(lambda body: body[:body.rindex(b"0;chunk-signature")], 400, "IncompleteBody", id="no-last-chunk"),
])
def test_bad_chunks(unharmed, change, status, code):
    check(streaming_put(unharmed, lambda signer, seed, date: change(signer.signed_chunks(CHUNKS, seed, date)),
                        CHUNKS_LENGTH), status, code)


def test_a_chunk_signed_by_another_secret(unharmed):
    other = Signer(unharmed.access_key_id, "x" * 40)
    check(streaming_put(unharmed, lambda signer, seed, date: other.signed_chunks(CHUNKS, seed, date), CHUNKS_LENGTH),
          403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("difference", [-1, 1])
def test_decoded_length_is_not_what_comes(unharmed, difference):
    check(streaming_put(unharmed, lambda signer, seed, date: signer.signed_chunks(CHUNKS, seed, date),
                        CHUNKS_LENGTH + difference), 400, "IncompleteBody")


def trailer_body(data, trailer):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n0\r\n" + trailer + b"\r\n"


@pytest.mark.parametrize("trailer,status,code", [
    (f"x-amz-checksum-crc32:{crc32(b'other')}\r\n".encode(), 400, "BadDigest"),
    (b"", 400, "MalformedTrailerError"),
    (b"x-amz-checksum-crc32\r\n", 400, "MalformedTrailerError"),
])
def test_bad_trailer(unharmed, trailer, status, code):
    check(streaming_put(unharmed, lambda *_: trailer_body(BODY, trailer), len(BODY), STREAMING_UNSIGNED_TRAILER,
                        {"x-amz-trailer": "x-amz-checksum-crc32"}), status, code)


def test_good_trailer_is_served(server):
    trailer = f"x-amz-checksum-crc32:{crc32(BODY)}\r\n".encode()
    assert streaming_put(server, lambda *_: trailer_body(BODY, trailer), len(BODY), STREAMING_UNSIGNED_TRAILER,
                         {"x-amz-trailer": "x-amz-checksum-crc32"}).status == 200
    assert request(server, "GET", TARGET).body == BODY


# -- what is named ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_unknown_bucket(unharmed, method):
    check(request(unharmed, method, "/no-such-bucket/key", BODY if method == "PUT" else b""), 404, "NoSuchBucket")


def test_unknown_key(unharmed):
    check(request(unharmed, "GET", TARGET), 404, "NoSuchKey")


@pytest.mark.parametrize("name", ["A", "ab", "a..b", "x" * 64, "192.168.0.1"], ids=["capital", "short", "dots", "long", "address"])
def test_bad_bucket_name(unharmed, name):
    check(request(unharmed, "PUT", f"/{name}"), 400, "InvalidBucketName")


@pytest.mark.parametrize("key", ["k" * 1025, "长" * 342], ids=["ascii", "chinese"])
def test_key_too_long(unharmed, key):
    check(request(unharmed, "PUT", "/file-exchange/" + urllib.parse.quote(key), BODY), 400, "KeyTooLongError")


@pytest.mark.parametrize("key", ["%FF%FE", "%C0%AF", "%ED%A0%80"])
def test_key_that_is_not_utf8(unharmed, key):
    check(request(unharmed, "PUT", "/file-exchange/" + key, BODY), 400, "InvalidURI")


@pytest.mark.parametrize("key", ["%", "%4", "%zz"])
def test_key_badly_encoded(unharmed, key):
    answer = request(unharmed, "PUT", "/file-exchange/" + key, BODY)
    assert answer.status == 400, str(answer)


@pytest.mark.parametrize("body", [b"", b"<", b"<Delete>", b"<Other/>", b"not xml", b"<Delete><Object><Key>a</Key></Delete>",
                                  b'<!DOCTYPE d [<!ENTITY e "x">]><Delete><Object><Key>&e;</Key></Object></Delete>'])
def test_malformed_xml(unharmed, body):
    check(request(unharmed, "POST", "/file-exchange?delete=", body, headers={"Content-MD5": md5(body)}), 400,
          "MalformedXML")


def test_complete_of_an_unknown_upload(unharmed):
    body = b'<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"x"</ETag></Part></CompleteMultipartUpload>'
    check(request(unharmed, "POST", f"{TARGET}?uploadId=none", body), 404, "NoSuchUpload")


@pytest.mark.parametrize("method,target,status,code", [
    ("PUT", "/file-exchange?replication", 501, "NotImplemented"),
    ("PUT", f"{TARGET}?restore", 501, "NotImplemented"),
    ("PATCH", TARGET, 405, "MethodNotAllowed"),
    ("POST", "/", 405, "MethodNotAllowed"),
])
def test_unknown_operation(unharmed, method, target, status, code):
    check(request(unharmed, method, target), status, code)


def test_range_behind_the_end(server):
    assert request(server, "PUT", TARGET, b"0123456789").status == 200
    check(request(server, "GET", TARGET, headers={"Range": "bytes=10-"}), 416, "InvalidRange")
    assert request(server, "GET", TARGET, headers={"Range": "bytes=-3"}).body == b"789"


# -- what is no HTTP ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                                 b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", b"\0" * 100 + b"\r\n\r\n"], ids=["tls", "one-word", "version", "field", "zeros"])
def test_no_http(unharmed, raw):
    with Connection(unharmed) as connection:
        connection.send(raw)
        connection.end_of_sending()
        answer = connection.read_answer()
        assert answer is None or 400 <= answer.status < 506, str(answer)
        assert connection.is_closed()


def test_head_larger_than_allowed(unharmed):
    head = head_bytes("GET", "/", {"Host": host_of(unharmed), "x-filler": "f" * 70_000})
    answer = exchange(unharmed, head)
    assert answer is None or answer.status in (400, 431), str(answer)


def test_large_metadata(unharmed):
    check(request(unharmed, "PUT", TARGET, BODY, headers={"x-amz-meta-a": "m" * 3000}), 400, "MetadataTooLarge")


def test_expect_continue_is_answered_after_authentication(unharmed):
    """A refused upload is refused before its body is sent."""
    signer = Signer(unharmed.access_key_id, "x" * 40)
    head, _ = signed_request(unharmed, "PUT", TARGET, b"", signer=signer, payload_hash=UNSIGNED,
                             headers={"Content-Length": "1000000", "Expect": "100-continue"})
    with Connection(unharmed) as connection:
        connection.send(head)
        first = connection.socket.recv(12)
    assert first == b"HTTP/1.1 403"


def test_expect_continue_of_a_good_request(server):
    head, _ = signed_request(server, "PUT", TARGET, BODY, headers={"Expect": "100-continue"})
    with Connection(server) as connection:
        connection.send(head)
        assert connection.socket.recv(12) == b"HTTP/1.1 100"
        connection.buffer = b"HTTP/1.1 100"
        connection.send(BODY)
        assert connection.read_answer().status == 200


# -- keys that no browser keeps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["a/../b.txt", "a/./b.txt", "../b.txt", ".."])
def test_dot_segments_are_stored_but_not_mailed(server, key):
    assert request(server, "PUT", "/file-exchange/" + key, BODY).status == 200
    assert request(server, "GET", "/file-exchange/" + key).body == BODY
    dead = wait_until(lambda: server.deliveries("dead"), 10, "the dead letter")
    assert len(dead) == 1 and dead[0]["key"] == key
    assert dead[0]["detail"], "a reason is given"
    assert server.mails() == []


# -- what the log says of it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method,target,fields,code,said", [
    ("GET", "/file-exchange/a%20b", {}, "NoSuchKey", ("GetObject", "file-exchange", "a b")),
    ("PUT", "/file-exchange?policy", {}, "NotImplemented", ("REST.PUT.BUCKETPOLICY", "file-exchange", "")),
    ("PUT", TARGET, {"x-amz-copy-source": "/file-exchange/x"}, "NotImplemented",
     ("REST.PUT.OBJECT", "file-exchange", "refused.txt")),
    ("PUT", TARGET, {"x-amz-tagging": "a=b"}, "NotImplemented", ("PutObject", "file-exchange", "refused.txt")),
    ("GET", "/UPPER/k", {}, "InvalidBucketName", ("REST.GET.OBJECT", "UPPER", "k")),
    ("GET", "/file-exchange/" + "k" * 1025, {}, "KeyTooLongError", ("REST.GET.OBJECT", "file-exchange", "k" * 1024)),
], ids=["no object", "policy", "copy", "tagging", "bucket name", "long key"])
def test_a_refused_request_is_logged_by_what_it_asked_for(server, method, target, fields, code, said):
    answer = request(server, method, target, headers=fields)
    assert answer.code == code
    check_line(server, answer, said)


def test_a_request_that_is_not_let_in_is_logged_by_what_it_asked_for(server):
    signer, host = Signer.of(server), host_of(server)
    target = signer.presign(host, TARGET, expires=60, date=amz_date(-3600))
    with Connection(server) as connection:
        connection.send(head_bytes("GET", target, {"Host": host}))
        answer = connection.read_answer("GET")
    assert answer.code == "AccessDenied"
    check_line(server, answer, ("GetObject", "file-exchange", "refused.txt"))


def check_line(server, answer, said):
    def lines():
        found = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
        return [line for line in found if line.get("request_id") == answer.headers["x-amz-request-id"]]

    (line,) = wait_until(lines, what="the request's line")
    assert line["message"] == ("request failed" if answer.status >= 500 else "request")
    assert line["error_code"] == answer.code
    assert (line["operation"], line["bucket"], line["key"]) == said
    assert "X-Amz" not in json.dumps(line)
