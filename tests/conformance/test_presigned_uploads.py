"""Presigned uploads by real SDKs: what a URL states in its query is what the header of that name would be: stored where
it is stored, refused with the same error where that is refused, never passed over."""

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request

import botocore.exceptions
import pytest
from clients import CLIENTS, missing
from s3link_harness import fetch

# PutObject's parameters; every one becomes an x-amz-* header, or a parameter of the query.
PARAMETERS = {
    "nothing": {},
    "metadata": {"Metadata": {"author": "Ann", "case-number": "17 b"}},
    "storage class": {"StorageClass": "STANDARD"},
    "private": {"ACL": "private"},
    "encryption": {"ServerSideEncryption": "AES256"},
    "tags": {"Tagging": "team=red&n=1"},
    "public": {"ACL": "public-read"},
    "grant": {"GrantRead": "uri=http://acs.amazonaws.com/groups/global/AllUsers"},
    "other storage class": {"StorageClass": "GLACIER"},
    "kms": {"ServerSideEncryption": "aws:kms"},
    "redirect": {"WebsiteRedirectLocation": "https://example.org/"},
    "owner": {"ExpectedBucketOwner": "123456789012"},
    "lock": {"ObjectLockLegalHoldStatus": "ON"},
    "too much metadata": {"Metadata": {"a": "x" * 2100}},
}
STORED = ("nothing", "metadata", "storage class", "private", "encryption")
REFUSED = {
    "tags": (501, "NotImplemented"),
    "public": (400, "AccessControlListNotSupported"),
    "grant": (400, "AccessControlListNotSupported"),
    "other storage class": (400, "InvalidStorageClass"),
    "kms": (501, "NotImplemented"),
    "redirect": (501, "NotImplemented"),
    "owner": (403, "AccessDenied"),
    "lock": (400, "InvalidRequest"),
    "too much metadata": (400, "MetadataTooLarge"),
}
assert {*STORED, *REFUSED} == set(PARAMETERS)


def put_to(url, fields=None):
    """Uploads "hello" to a URL as a program does that knows nothing of S3: (status, error code)."""
    request = urllib.request.Request(url, data=b"hello", method="PUT", headers=fields or {})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, re.search(rb"<Code>([^<]*)</Code>", error.read()).group(1).decode()


class Node:
    """@aws-sdk/s3-request-presigner. It signs the checksum of an empty body, which says nothing about the upload, and
    leaves x-amz-server-side-encryption a header."""

    def __init__(self, server, folder):
        reason = missing(CLIENTS["node-sdk"])
        if reason and os.environ.get("CI") != "true":
            pytest.skip(reason)
        assert not reason, reason
        self.client, self.bucket = CLIENTS["node-sdk"](server, folder), server.bucket

    def answer(self, command, key, parameters, *more):
        whole = {"Bucket": self.bucket, "Key": key, **parameters}
        return json.loads(self.client.node(command, json.dumps(whole), *more))

    def put(self, key, parameters):
        answer = self.answer("put-with", key, parameters)
        return answer["status"], answer.get("code")

    def put_presigned(self, key, parameters, fields=None):
        fields = dict(fields or {})
        if "ServerSideEncryption" in parameters:
            fields["x-amz-server-side-encryption"] = parameters["ServerSideEncryption"]
        answer = self.answer("put-presigned", key, parameters, json.dumps(fields))
        self.query = {name.lower() for name in answer["query"]}
        return answer["status"], answer.get("code")


class Boto3:
    """boto3 leaves x-amz-* headers where they are and signs them; `hoisted` moves them into the query, as its users do
    who hand a bare URL on."""

    def __init__(self, server, _folder):
        self.server, self.bucket, self.s3 = server, server.bucket, server.s3()

    def put(self, key, parameters):
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"hello", **parameters)
        except botocore.exceptions.ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
        return 200, None

    def put_presigned(self, key, parameters, fields=None):
        client = self.server.s3()

        def hoist(request, **_):
            moved = {name: value for name, value in request.headers.items()
                     if name.lower().startswith("x-amz-") and name not in (fields or {})}
            for name in moved:
                del request.headers[name]
            # As put_object's header values go out: text, not bytes.
            moved = {name: value.decode() if isinstance(value, bytes) else value for name, value in moved.items()}
            if moved:
                request.url += ("&" if "?" in request.url else "?") + urllib.parse.urlencode(moved)

        client.meta.events.register("before-sign.s3.PutObject", hoist)
        url = client.generate_presigned_url("put_object", {"Bucket": self.bucket, "Key": key, **parameters})
        self.query = {name.lower() for name, _ in urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query)}
        return put_to(url, fields)


SDKS = {"node": Node, "boto3": Boto3}


@pytest.fixture(params=SDKS)
def sdk(request, server, tmp_path):
    folder = tmp_path / "client"
    folder.mkdir()
    return SDKS[request.param](server, folder)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_what_the_header_is(sdk, server, name):
    parameters = PARAMETERS[name]
    direct = sdk.put("direct.txt", parameters)
    presigned = sdk.put_presigned("presigned.txt", parameters)
    assert presigned == direct == REFUSED.get(name, (200, None))
    stated = [parameter for parameter in sdk.query if parameter.startswith("x-amz-") and parameter not in {
        "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature",
        "x-amz-content-sha256", "x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm", "x-amz-security-token"}]
    stays_header = isinstance(sdk, Node) and "ServerSideEncryption" in parameters
    assert bool(stated) == (bool(parameters) and not stays_header), "the test is about parameters of the query"
    if name in REFUSED:
        assert server.s3().list_objects_v2(Bucket=server.bucket)["KeyCount"] == 0
        return
    for key in ("direct.txt", "presigned.txt"):
        head = server.s3().head_object(Bucket=server.bucket, Key=key)
        assert head["Metadata"] == parameters.get("Metadata", {})
        assert head["ServerSideEncryption"] == "AES256"
    assert {mail.link.partition("?")[0].rpartition("/")[2] for mail in server.wait_mails(2)} == {
        "direct.txt", "presigned.txt"}


def test_a_header_that_was_signed_has_to_be_sent(sdk, server):
    field = {"x-amz-meta-author": "Ann"}
    parameters = {"Metadata": {"author": "Ann"}}
    assert sdk.put_presigned("k", parameters, field) == (200, None)
    assert server.s3().head_object(Bucket=server.bucket, Key="k")["Metadata"] == {"author": "Ann"}
    assert "x-amz-meta-author" not in sdk.query


def test_what_the_url_does_not_state_cannot_be_added(server):
    url = server.s3().generate_presigned_url("put_object", {"Bucket": server.bucket, "Key": "k"})
    for fields in ({"x-amz-meta-author": "Eve"}, {"x-amz-tagging": "a=b"}, {"x-amz-acl": "public-read"}):
        assert put_to(url, fields) == (403, "AccessDenied"), fields
    for parameter in ("x-amz-meta-author=Eve", "x-amz-tagging=a%3Db", "X-Amz-Acl=public-read"):
        assert put_to(f"{url}&{parameter}") == (403, "SignatureDoesNotMatch")
    assert server.s3().list_objects_v2(Bucket=server.bucket)["KeyCount"] == 0
