"""How much the server needs: time to start, memory at rest, memory while large objects pass.

S3LINK_LARGE=1 moves 5 GiB instead of 300 MiB. Times are printed (pytest -s), not judged: they are the machine's.
"""

import hashlib
import http.client
import os
import pathlib
import re
import shutil
import time

import pytest

import s3link_harness

MIB = 1024 * 1024
SIZE = 5 * 1024 * MIB if os.environ.get("S3LINK_LARGE") == "1" else 300 * MIB
BLOCK = s3link_harness.pattern_bytes(MIB)


class Generated:
    """A file of `size` bytes made as it is read, with its MD5; no two MiB of it are alike."""

    def __init__(self, size):
        self.left = size
        self.index = 0
        self.buffer = memoryview(b"")
        self.md5 = hashlib.md5()

    def read(self, count=MIB):
        if count is None or count < 0:
            count = self.left
        out = bytearray()
        while len(out) < count and self.left > 0:
            if not self.buffer:
                self.buffer = memoryview(self.index.to_bytes(8, "big") + BLOCK[8:])
                self.index += 1
            piece = self.buffer[: min(count - len(out), self.left)]
            self.buffer = self.buffer[len(piece):]
            self.left -= len(piece)
            out += piece
        self.md5.update(out)
        return bytes(out)


def peak_bytes(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE).group(1)) * 1024


def download_md5(client, bucket, key):
    digest = hashlib.md5()
    for piece in client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(MIB):
        digest.update(piece)
    return digest.hexdigest()


def report(capsys, text):
    with capsys.disabled():
        print(f"\n    {text}")


def test_starts_quickly_and_rests_small(make_server, capsys):
    """On an empty folder, and again on the folder it made."""
    server = make_server(start=False)
    for what in ("empty folder", "existing folder"):
        begin = time.monotonic()
        server.start(wait=False)
        while True:
            try:
                if (server.data_dir / "listen").exists() and server.get("/_/readyz").status == 200:
                    break
            except (OSError, ValueError):
                pass
            assert server.process.poll() is None and time.monotonic() - begin < 20, server.log()
            time.sleep(0.001)
        ready = time.monotonic() - begin
        time.sleep(1)
        resident = server.resident_bytes()
        report(capsys, f"{what}: ready after {ready * 1000:.0f} ms, {resident / MIB:.1f} MiB resident at rest")
        assert resident < 25 * MIB
        server.stop()


@pytest.fixture
def large_server(make_server):
    """A server whose objects are deleted at the end: pytest keeps temporary folders."""
    server = make_server(settings={"log.level": "info"})
    yield server
    server.stop()
    shutil.rmtree(server.data_dir, ignore_errors=True)


@pytest.mark.timeout(1800)
def test_a_large_put_needs_little_memory(large_server, capsys):
    """One PUT through a presigned URL, and its download."""
    client = large_server.s3()
    url = client.generate_presigned_url("put_object", Params={"Bucket": large_server.bucket, "Key": "large"})
    source = Generated(SIZE)
    begin = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", large_server.port, timeout=600)
    connection.request("PUT", url.split(str(large_server.port), 1)[1], body=source,
                       headers={"Content-Length": str(SIZE)})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body
    assert answer.headers["ETag"] == f'"{source.md5.hexdigest()}"'
    connection.close()
    uploaded = time.monotonic()
    assert download_md5(client, large_server.bucket, "large") == source.md5.hexdigest()
    downloaded = time.monotonic()
    report(capsys, f"PUT {SIZE // MIB} MiB in {uploaded - begin:.1f} s, GET in {downloaded - uploaded:.1f} s, "
                   f"peak {peak_bytes(large_server) / MIB:.1f} MiB")
    assert peak_bytes(large_server) < 100 * MIB


@pytest.mark.timeout(1800)
def test_a_large_multipart_upload_needs_little_memory(large_server, capsys):
    """Parts of 32 MiB, ten at a time, and the download of the whole."""
    from boto3.s3.transfer import TransferConfig

    client = large_server.s3()
    source = Generated(SIZE)
    begin = time.monotonic()
    client.upload_fileobj(source, large_server.bucket, "large",
                          Config=TransferConfig(multipart_threshold=32 * MIB, multipart_chunksize=32 * MIB))
    uploaded = time.monotonic()
    assert client.head_object(Bucket=large_server.bucket, Key="large")["ContentLength"] == SIZE
    assert download_md5(client, large_server.bucket, "large") == source.md5.hexdigest()
    downloaded = time.monotonic()
    report(capsys, f"multipart {SIZE // MIB} MiB in {uploaded - begin:.1f} s, GET in {downloaded - uploaded:.1f} s, "
                   f"peak {peak_bytes(large_server) / MIB:.1f} MiB")
    assert peak_bytes(large_server) < 100 * MIB


def test_idle_connections_are_cheap(make_server, capsys):
    """Clients that stay connected between requests."""
    import resource
    import socket

    wanted = 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * wanted)), hard))
    server = make_server()
    before = server.resident_bytes()
    sockets = []
    try:
        for _ in range(wanted):
            client = socket.create_connection(("127.0.0.1", server.port))
            client.sendall(b"GET /_/healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
            sockets.append(client)
        each = (server.resident_bytes() - before) / wanted
        report(capsys, f"{each / 1024:.1f} KiB for an idle connection")
        assert each < 24 * 1024
    finally:
        for client in sockets:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
