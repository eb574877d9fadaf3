"""Our signatures against botocore's: random requests, signed by one and judged by the other.

Environment: S3LINK_BUILD_DIR, the folder of sigv4_tool (default build/release); S3LINK_VECTORS, how many requests in
each direction (default 100000); S3LINK_SEED. The same seed gives the same requests.
"""

import base64
import collections
import datetime
import hashlib
import json
import os
import pathlib
import random
import subprocess
import types
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("S3LINK_BUILD_DIR", REPOSITORY / "build" / "release")) / "sigv4_tool"
TOTAL = int(os.environ.get("S3LINK_VECTORS", "100000"))
SEED = os.environ.get("S3LINK_SEED", "20130524")
SHARDS = 8
REGION = "us-east-1"

KEYS = {
    "AKIAIOSFODNN7EXAMPLE": ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None),
    "AKIAI44QH8DHBEXAMPLE": ("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY", None),
    "ASIAIOSFODNN7EXAMPLE": ("c2VjcmV0IG9mIGEgdGVtcG9yYXJ5IGtleQ", "IQoJb3JpZ2luX2VjEH4aCXVzLWVhc3QtMSJIMEYCIQD/+x=="),
}

Request = collections.namedtuple("Request", "key_id method base_url path query fields body when presigned expires")


@pytest.fixture
def frozen_clock(monkeypatch):
    """botocore signs at the moment this object holds."""

    class Clock:
        now = None

    class FrozenDatetime(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return Clock.now

    monkeypatch.setattr(botocore.auth, "datetime", types.SimpleNamespace(datetime=FrozenDatetime))
    return Clock


# -- random requests ----------------------------------------------------------------------------------------------------

ODD_PIECES = [" ", "  ", "+", "%", "%20", "%2F", "&", "=", "?", "#", ";", ":", "@", "'", '"', "<", ">", "\\", "|", "^",
              "`", "{", "}", "[", "]", "!", "$", "*", "(", ")", ",", "~", "-", "_", ".", "..", "/", "//", "/../", "/./",
              "\t", "\n", "\r\n", "\x01", "\x7f", "é", "漢字", "😀", "\u202e", "\u0301", "ÿ", "A", "z", "0"]
HEADER_PIECES = [" ", "  ", "\t", "a", "Z", "9", ";", ",", "=", '"', "/", "+", "%41", "é", "漢", "😀", "attachment"]
METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"]
HOSTS = ["http://127.0.0.1:9000", "http://localhost:80", "https://files.example.org", "https://files.example.org:443",
         "https://file-exchange.s3.us-east-1.amazonaws.com", "http://[::1]:9000", "https://files.example.org:8443"]
QUERY_NAMES = ["prefix", "delimiter", "marker", "max-keys", "uploads", "uploadId", "partNumber", "acl", "list-type",
               "response-content-disposition", "versionId", "x-id", "encoding-type", "Ä", "a b", "A", "a", "~", "-"]
HEADER_NAMES = ["content-type", "content-md5", "range", "if-match", "if-none-match", "cache-control", "x-amz-acl",
                "content-disposition", "content-encoding", "x-amz-meta-name", "x-amz-meta-ü".encode().decode("latin-1"),
                "X-Amz-Copy-Source", "x-amz-storage-class", "X-AMZ-Meta-Upper", "x-amz-decoded-content-length"]
HEADER_NAMES = [name for name in HEADER_NAMES if name.isascii()]


def odd_text(rng, pieces, most):
    return "".join(rng.choice(pieces) for _ in range(rng.randint(0, most)))


def random_request(rng):
    key = odd_text(rng, ODD_PIECES, 12)
    query = {}
    for _ in range(rng.choice([0, 0, 1, 2, 5])):
        query[rng.choice(QUERY_NAMES)] = odd_text(rng, ODD_PIECES, 6)
    fields = {}
    for _ in range(rng.choice([0, 1, 2, 4])):
        fields[rng.choice(HEADER_NAMES)] = odd_text(rng, HEADER_PIECES, 8)
    presigned = rng.random() < 0.4
    # Any moment of 40 years; the scope's day must be the right one on both sides of midnight.
    when = datetime.datetime(2010, 1, 1) + datetime.timedelta(seconds=rng.randrange(40 * 365 * 86400))
    if rng.random() < 0.1:
        when = when.replace(hour=23, minute=59, second=59)
    return Request(
        key_id=rng.choice(list(KEYS)), method=rng.choice(METHODS), base_url=rng.choice(HOSTS),
        path="/" + rng.choice(["", "file-exchange/", "b.c/"]) + key, query=query, fields=fields,
        body=rng.choice([b"", b"", b"body", bytes(range(256))]), when=when, presigned=presigned,
        expires=rng.choice([1, 60, 18000, 604800, rng.randint(1, 604800)]))


def shard_requests(shard, direction):
    rng = random.Random(f"{SEED}/{direction}/{shard}")
    for _ in range(TOTAL // SHARDS):
        yield rng, random_request(rng)


# -- botocore -----------------------------------------------------------------------------------------------------------

def encoded_query(rng, query):
    """As clients write it: percent-encoded, a name without value sometimes without '='."""
    return "&".join(
        quote(name) if not value and rng.random() < 0.5 else f"{quote(name)}={quote(value)}"
        for name, value in query.items())


def quote(text):
    return urllib.parse.quote(text, safe="-_.~")


def sign_with_botocore(clock, rng, request, presign_fields):
    """The AWSRequest after signing, and the Host field that belongs to it."""
    secret, token = KEYS[request.key_id]
    credentials = botocore.credentials.ReadOnlyCredentials(request.key_id, secret, token)
    url = request.base_url + urllib.parse.quote(request.path, safe="/~")
    if request.query:
        url += "?" + encoded_query(rng, request.query)
    fields = dict(request.fields) if presign_fields or not request.presigned else {}
    signed = botocore.awsrequest.AWSRequest(method=request.method, url=url, headers=fields, data=request.body)
    host = botocore.auth._host_from_url(url)
    clock.now = request.when
    if request.presigned:
        signed.data = b""
        botocore.auth.S3SigV4QueryAuth(credentials, "s3", REGION, expires=request.expires).add_auth(signed)
    else:
        botocore.auth.S3SigV4Auth(credentials, "s3", REGION).add_auth(signed)
    return signed, host


def target_of(url):
    parts = urllib.parse.urlsplit(url)
    return (parts.path or "/") + ("?" + parts.query if parts.query else "")


def milliseconds(when):
    return round(when.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)


# -- our tool -----------------------------------------------------------------------------------------------------------

def run_tool(lines):
    assert TOOL.exists(), f"{TOOL} is not built; run ./test, or set S3LINK_BUILD_DIR"
    keys = [{"op": "key", "id": name, "secret": secret, "token": token or ""}
            for name, (secret, token) in KEYS.items()]
    text = "".join(json.dumps(line) + "\n" for line in [*keys, *lines])
    result = subprocess.run([TOOL], input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=240)
    assert result.returncode == 0, result.stderr.decode()
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(answers) == len(keys) + len(lines)
    return answers[len(keys):]


# -- botocore signs, we verify ------------------------------------------------------------------------------------------

def tampered(rng, line):
    """The same request with one thing changed that the signature covers, or None where this request has no such thing."""
    line = dict(line, fields=[list(field) for field in line["fields"]])
    kind = rng.choice(["signature", "method", "path", "query", "header", "host", "payload"])
    if kind == "signature":
        digit = rng.randrange(64)

        def flip(text, name):
            at = text.index(name) + len(name) + digit
            return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:]

        if "X-Amz-Signature=" in line["target"]:
            line["target"] = flip(line["target"], "X-Amz-Signature=")
        else:
            for field in line["fields"]:
                if field[0] == "Authorization":
                    field[1] = flip(field[1], "Signature=")
    elif kind == "method":
        line["method"] = rng.choice([method for method in METHODS if method != line["method"]])
    elif kind == "path":
        path, question, query = line["target"].partition("?")
        line["target"] = path + "x" + question + query
    elif kind == "query":
        line["target"] += ("&" if "?" in line["target"] else "?") + "x-more=1"
    elif kind == "header":
        line["fields"].append(["x-amz-meta-more", "1"])
    elif kind == "host":
        for field in line["fields"]:
            if field[0] == "Host":
                field[1] += "0"
    else:
        found = [field for field in line["fields"] if field[0].lower() == "x-amz-content-sha256"]
        if not found:
            return None
        found[0][1] = hashlib.sha256(b"another body").hexdigest()
    return line


def wire_fields(rng, request, signed, host):
    """What goes over the wire: botocore's fields, the Host, and what an HTTP client adds unsigned."""
    fields = [["Host", host]] + [[name, value] for name, value in signed.headers.items()]
    fields += [["User-Agent", "Boto3/1.26"], ["Accept-Encoding", "identity"], ["Content-Length", str(len(request.body))]]
    rng.shuffle(fields)
    return fields


@pytest.mark.parametrize("shard", range(SHARDS))
def test_what_botocore_signs_verifies(frozen_clock, shard):
    lines, wanted = [], []
    for rng, request in shard_requests(shard, "verify"):
        if not request.presigned and rng.random() < 0.1:
            request = request._replace(fields=request.fields | {"Date": "now"})  # botocore then signs Date itself
        signed, host = sign_with_botocore(frozen_clock, rng, request, presign_fields=True)
        latest = request.expires - 1 if request.presigned else 900
        line = {"op": "verify", "id": request.key_id, "method": request.method, "target": target_of(signed.url),
                "fields": wire_fields(rng, request, signed, host),
                "now": milliseconds(request.when) + rng.randint(-900, latest) * 1000}
        lines.append(line)
        wanted.append(True)
        if rng.random() < 0.1:
            other = tampered(rng, line)
            if other:
                lines.append(other)
                wanted.append(False)
    for line, want, answer in zip(lines, wanted, run_tool(lines)):
        if want:
            assert answer == {}, f"refused: {line}"
        else:
            assert answer.get("code") in ("SignatureDoesNotMatch", "AccessDenied"), f"{answer} for {line}"


# -- we sign, botocore agrees -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("shard", range(SHARDS))
def test_what_we_sign_is_what_botocore_signs(frozen_clock, shard):
    lines, wanted = [], []
    for rng, request in shard_requests(shard, "sign"):
        signed, host = sign_with_botocore(frozen_clock, rng, request, presign_fields=False)
        common = {"id": request.key_id, "method": request.method, "now": milliseconds(request.when)}
        if request.presigned:
            lines.append(common | {"op": "presign", "base_url": request.base_url, "path": request.path,
                                   "query": list(request.query.items()), "expires": str(request.expires)})
            wanted.append((host, urllib.parse.parse_qs(urllib.parse.urlsplit(signed.url).query, keep_blank_values=True)))
        else:
            url = request.base_url + urllib.parse.quote(request.path, safe="/~")
            if request.query:
                url += "?" + encoded_query(rng, request.query)
            lines.append(common | {"op": "sign", "host": host, "target": target_of(url),
                                   "fields": list(request.fields.items()),
                                   "payload_hash": hashlib.sha256(request.body).hexdigest()})
            wanted.append(signed.headers["Authorization"])
    for line, want, answer in zip(lines, wanted, run_tool(lines)):
        if line["op"] == "sign":
            assert answer["authorization"].replace(",", ", ") == want, f"for {line}"
        else:
            url = urllib.parse.urlsplit(answer["url"])
            got = urllib.parse.parse_qs(url.query, keep_blank_values=True)
            assert (url.netloc, got) == want, f"for {line}"
            assert urllib.parse.unquote(url.path) == line["path"]
