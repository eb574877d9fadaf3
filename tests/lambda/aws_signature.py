"""Checks requests as AWS would: the signature is computed again by botocore from the secret key, and compared.

Sources: AWS General Reference, "Create a signed AWS API request"; Amazon S3 API Reference, "Authenticating Requests:
Using Query Parameters".
"""

import dataclasses
import datetime
import hashlib
import re
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

MAX_SKEW = datetime.timedelta(minutes=5)


@dataclasses.dataclass(frozen=True)
class KeyPair:
    access_key_id: str
    secret_access_key: str
    session_token: str = None

    @property
    def secrets(self):
        """What must appear in no output."""
        return {text for text in (self.secret_access_key, self.session_token) if text}


class Refused(Exception):
    """The code AWS would answer with."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def check_header_signature(request, keys, region, service):
    """Returns the KeyPair that signed the request (an http_peer.Request). Raises Refused."""
    authorization = request.header("authorization")
    if not authorization:
        raise Refused("MissingAuthenticationTokenException", "no Authorization")
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9]+)/aws4_request, ?"
                         r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})", authorization)
    if not found:
        raise Refused("IncompleteSignatureException", f"cannot read {authorization!r}")
    key_id, day, signed_region, signed_service, signed_headers, signature = found.groups()
    pair = next((pair for pair in keys if pair.access_key_id == key_id), None)
    if pair is None:
        raise Refused("UnrecognizedClientException", f"unknown access key {key_id}")
    if (signed_region, signed_service) != (region, service):
        raise Refused("SignatureDoesNotMatch", f"scope {signed_region}/{signed_service}, not {region}/{service}")
    stamp = request.header("x-amz-date", "")
    when = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if abs(datetime.datetime.now(datetime.timezone.utc) - when) > MAX_SKEW or not stamp.startswith(day):
        raise Refused("RequestTimeTooSkewed", f"signed at {stamp}")
    if request.header("x-amz-security-token") != pair.session_token:
        raise Refused("UnrecognizedClientException", "the session token is not that of the access key")

    names = signed_headers.split(";")
    if names != sorted(names) or "host" not in names:
        raise Refused("SignatureDoesNotMatch", f"SignedHeaders {signed_headers}")
    for name, _ in request.headers:
        if name.lower().startswith("x-amz-") and name.lower() not in names:
            raise Refused("SignatureDoesNotMatch", f"{name} is not signed")
    digest = hashlib.sha256(request.body).hexdigest()
    if request.header("x-amz-content-sha256", digest) not in (digest, "UNSIGNED-PAYLOAD"):
        raise Refused("XAmzContentSHA256Mismatch", "the body's hash is not the one that was signed")

    signer = (botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth)(
        botocore.credentials.Credentials(pair.access_key_id, pair.secret_access_key), service, region)
    # The host is taken from the URL; botocore itself adds it to what is signed.
    again = botocore.awsrequest.AWSRequest(
        request.method, f"http://{request.header('host')}{request.target}", data=request.body,
        headers={name: value for name, value in request.headers if name.lower() in names})
    again.context["timestamp"] = stamp
    computed = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    if computed != signature:
        raise Refused("SignatureDoesNotMatch", "the signature is not the one botocore computes")
    return pair


@dataclasses.dataclass
class PresignedUrl:
    """A presigned GET, taken apart; made by read_presigned, which has checked the signature."""

    host: str
    path: str  # decoded
    query: dict  # decoded, without the X-Amz-… parameters
    signed_at: datetime.datetime
    expires_seconds: int
    pair: KeyPair

    @property
    def deadline(self):
        return self.signed_at + datetime.timedelta(seconds=self.expires_seconds)


def read_presigned(url, keys, region):
    """Checks the signature of a presigned GET with botocore. Raises AssertionError."""
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
    key_id, day, signed_region, service, terminator = query["X-Amz-Credential"].split("/")
    assert (signed_region, service, terminator) == (region, "s3", "aws4_request"), query["X-Amz-Credential"]
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256" and query["X-Amz-SignedHeaders"] == "host"
    pair = next(pair for pair in keys if pair.access_key_id == key_id)
    assert query.get("X-Amz-Security-Token") == pair.session_token
    assert query["X-Amz-Date"].startswith(day) and 1 <= int(query["X-Amz-Expires"]) <= 604800

    unsigned = "&".join(piece for piece in parts.query.split("&") if not piece.startswith("X-Amz-Signature="))
    signer = botocore.auth.S3SigV4QueryAuth(
        botocore.credentials.Credentials(pair.access_key_id, pair.secret_access_key), "s3", region)
    request = botocore.awsrequest.AWSRequest("GET", parts._replace(query=unsigned).geturl())
    request.context["timestamp"] = query["X-Amz-Date"]
    request.headers["Host"] = parts.netloc
    # Of a presigned URL the host alone is signed, and the payload is not.
    signed = signer.canonical_request(request)
    assert signed.endswith("\n\nhost\nUNSIGNED-PAYLOAD"), signed
    computed = signer.signature(signer.string_to_sign(request, signed), request)
    assert computed == query["X-Amz-Signature"], f"botocore computes another signature for {parts.path}"
    return PresignedUrl(
        parts.netloc, urllib.parse.unquote(parts.path, errors="strict"),
        {name: value for name, value in query.items() if not name.startswith("X-Amz-")},
        datetime.datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc),
        int(query["X-Amz-Expires"]), pair)
