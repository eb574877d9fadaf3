"""S3 requests written byte by byte, right or wrong on purpose: signing of our own, sockets without a client library.

The signing follows "Signature Calculations for the Authorization Header" and "... in Multiple Chunks" of the Amazon S3
API Reference and shares nothing with the server, nor with botocore.
"""

import contextlib
import dataclasses
import datetime
import hashlib
import hmac
import os
import re
import socket
import ssl
import urllib.parse

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def amz_date(offset=0):
    """Now, moved by `offset` seconds, as x-amz-date writes it."""
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)
    return now.strftime("%Y%m%dT%H%M%SZ")


def _mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


@dataclasses.dataclass
class Signer:
    access_key_id: str
    secret_access_key: str
    region: str = "us-east-1"
    service: str = "s3"

    @classmethod
    def of(cls, server):
        return cls(server.access_key_id, server.secret_access_key, server.region)

    def scope(self, date):
        return f"{date[:8]}/{self.region}/{self.service}/aws4_request"

    def _key(self, date):
        key = ("AWS4" + self.secret_access_key).encode()
        for part in self.scope(date).split("/"):
            key = _mac(key, part)
        return key

    def signature(self, date, string_to_sign):
        return _mac(self._key(date), string_to_sign).hex()

    def request_signature(self, method, target, headers, signed, payload_hash, date):
        path, _, query = target.partition("?")
        pairs = sorted(pair if "=" in pair else pair + "=" for pair in query.split("&") if pair)
        lower = {name.lower(): " ".join(str(value).split()) for name, value in headers.items()}
        canonical = "\n".join([method, path, "&".join(pairs), *(f"{name}:{lower[name]}" for name in signed), "",
                               ";".join(signed), payload_hash])
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        return self.signature(date, f"AWS4-HMAC-SHA256\n{date}\n{self.scope(date)}\n{digest}")

    def sign(self, method, target, headers, payload_hash, date=None, unsigned=()):
        """Adds x-amz-date, x-amz-content-sha256 and Authorization; returns the signature. `unsigned` headers are left out."""
        date = date or amz_date()
        headers["x-amz-date"] = date
        headers["x-amz-content-sha256"] = payload_hash
        signed = sorted(name.lower() for name in headers if name.lower() not in unsigned
                        and (name.lower() in ("host", "content-md5", "content-type", "range") or
                             name.lower().startswith("x-amz-")))
        signature = self.request_signature(method, target, headers, signed, payload_hash, date)
        headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access_key_id}/{self.scope(date)}, "
                                    f"SignedHeaders={';'.join(signed)}, Signature={signature}")
        return signature

    def presign(self, host, path, expires=300, method="GET", date=None):
        """path?query of a presigned request."""
        date = date or amz_date()
        query = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{self.access_key_id}/{self.scope(date)}",
                 "X-Amz-Date": date, "X-Amz-Expires": str(expires), "X-Amz-SignedHeaders": "host"}
        target = path + "?" + urllib.parse.urlencode(sorted(query.items()), quote_via=urllib.parse.quote)
        signature = self.request_signature(method, target, {"host": host}, ["host"], UNSIGNED, date)
        return f"{target}&X-Amz-Signature={signature}"

    def signed_chunks(self, chunks, seed_signature, date):
        """The body of STREAMING-AWS4-HMAC-SHA256-PAYLOAD: chunks as given, and the last, empty one."""
        body, previous = b"", seed_signature
        for chunk in [*chunks, b""]:
            text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", date, self.scope(date), previous, EMPTY_SHA256,
                              hashlib.sha256(chunk).hexdigest()])
            previous = self.signature(date, text)
            body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk + b"\r\n"
        return body


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def code(self):
        """The S3 error code, of an XML document or of our own JSON."""
        found = re.search(rb"<Code>([^<]*)</Code>", self.body) or re.search(rb'"code": *"([^"]*)"', self.body)
        return found.group(1).decode() if found else None

    def __str__(self):
        return f"{self.status} {self.code} {self.body[:500]!r}"


class Connection:
    """One connection to a server, for bytes as they are."""

    def __init__(self, server, timeout=40):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=timeout)
        if server.certificate:
            context = ssl.create_default_context(cafile=server.certificate.certificate)
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def end_of_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self):
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def read_answer(self, method="GET"):
        """Reads one answer; None when the server closes without one. Interim answers (100) are skipped."""
        while True:
            while b"\r\n\r\n" not in self.buffer:
                try:
                    if not self._more():
                        return None
                except ConnectionResetError:
                    return None
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            status = int(lines[0].split()[1])
            if status != 100:
                break
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = b""
        if method != "HEAD" and status not in (204, 304):
            if "content-length" in headers:
                length = int(headers["content-length"])
                while len(self.buffer) < length and self._more():
                    pass
                body, self.buffer = self.buffer[:length], self.buffer[length:]
            else:
                while self._more():
                    pass
                body, self.buffer = self.buffer, b""
        return Answer(status, headers, body)

    def is_closed(self):
        """Waits until the server closes the connection."""
        try:
            while self._more():
                pass
        except ConnectionResetError:
            pass
        return True


def head_bytes(method, target, headers):
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def host_of(server):
    return f"127.0.0.1:{server.port}"


def signed_request(server, method, target, body=b"", headers=None, payload_hash=None, signer=None, **signing):
    """head and body of a request that is right, but for what the arguments make wrong."""
    signer = signer or Signer.of(server)
    headers = {"Host": host_of(server), "Content-Length": str(len(body)), **(headers or {})}
    signer.sign(method, target, headers, payload_hash or hashlib.sha256(body).hexdigest(), **signing)
    return head_bytes(method, target, headers), body


def exchange(server, head, body=b""):
    """Sends one request on a connection of its own and reads its answer."""
    with Connection(server) as connection:
        try:
            connection.send(head)
            connection.send(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused early; the answer is there
        return connection.read_answer(head.split(b" ", 1)[0].decode())


def request(server, method, target, body=b"", **options):
    """One signed request and its answer."""
    return exchange(server, *signed_request(server, method, target, body, **options))


def open_what_is_opened_once(server):
    """Has each of the server's threads, one for each core, serve a connection: it keeps what it needs for that."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection(server)) for _ in range(os.cpu_count())]
        for connection in connections:
            connection.send(b"".join(signed_request(server, "GET", "/file-exchange")))
        for connection in connections:
            assert connection.read_answer().status == 200
