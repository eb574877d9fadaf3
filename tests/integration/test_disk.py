"""A disk that refuses: the client gets 500 or 503, nothing is half there, reads go on (issue: what bad input gets)."""

import asyncio
import collections
import contextlib
import errno
import json
import os
import resource
import subprocess
import threading

import pytest
from raw_s3 import request
from relays import ScriptedRelay
from s3link_harness import wait_until


@contextlib.contextmanager
def small_disk(folder, size):
    """A filesystem of `size` bytes on `folder`; needs the right to mount."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_refuses_writes_and_serves_reads(make_server, tmp_path):
    with small_disk(tmp_path / "disk", 160 << 20) as disk:
        server = make_server(data_dir=disk / "data")
        assert request(server, "PUT", "/file-exchange/kept.bin", b"k" * 1_000_000).status == 200
        server.wait_mails(1)
        answer = request(server, "PUT", "/file-exchange/too-large.bin", bytes(170 << 20))
        assert answer is not None and answer.status in (500, 503), str(answer)
        assert request(server, "GET", "/file-exchange/too-large.bin").status == 404
        assert request(server, "GET", "/file-exchange/kept.bin").body == b"k" * 1_000_000
        wait_until(lambda: len(server.object_files()) == 1, 10, "the removal of the half-written file")
        # There is room again (it wants 64 MiB before it trusts the disk), so it takes writes again.
        wait_until(lambda: request(server, "PUT", "/file-exchange/next.bin", b"n" * 100_000).status == 200, 10, "a write")
        server.wait_mails(2)
        server.stop()


def test_readiness_tells_that_the_disk_is_full(make_server, tmp_path):
    with small_disk(tmp_path / "disk", 160 << 20) as disk:
        server = make_server(data_dir=disk / "data")
        assert server.get("/_/readyz").status == 200
        filler = disk / "filler"
        filler.write_bytes(bytes(150 << 20))
        assert request(server, "PUT", "/file-exchange/a.bin", b"a" * 100_000).status == 503
        answer = server.get("/_/readyz")
        (reason,) = json.loads(answer.body)["error"]["reasons"]
        assert answer.status == 503 and reason == {"part": "store", "message": "no space left in the data folder"}
        assert server.get("/_/healthz").status == 200
        filler.unlink()
        wait_until(lambda: server.get("/_/readyz").status == 200, 10, "readiness")
        assert request(server, "PUT", "/file-exchange/a.bin", b"a" * 100_000).status == 200
        server.wait_mails(1)
        server.stop()


class FillingRelay(ScriptedRelay):
    """Holds every mail back until `go`; then fills the disk to the last byte, once, before it takes them."""

    def __init__(self, filler):
        super().__init__()
        self.filler, self.go, self.filled = filler, threading.Event(), False

    async def handle_DATA(self, server, session, envelope):
        while not self.go.is_set():
            await asyncio.sleep(0.05)
        if not self.filled:
            self.filled = True
            with open(self.filler, "wb", buffering=0) as file:
                for size in (1 << 20, 1 << 12):
                    with contextlib.suppress(OSError):
                        while file.write(bytes(size)):
                            pass
        return await super().handle_DATA(server, session, envelope)


def test_what_was_mailed_while_the_disk_filled_is_not_mailed_again(make_server, tmp_path):
    with small_disk(tmp_path / "disk", 160 << 20) as disk, FillingRelay(disk / "filler") as relay:
        server = make_server(data_dir=disk / "data", settings={
            "email.transport": f"smtp://127.0.0.1:{relay.port}", "email.sender": "files@example.test",
            "email.recipient": "you@example.test", "delivery.first_retry": "1s", "delivery.max_retry": "1s"})
        keys = [f"{number}.txt" for number in range(10)]
        for key in keys:
            assert request(server, "PUT", f"/file-exchange/{key}", key.encode()).status == 200
        relay.go.set()
        # Four connections: what they carried is with the relay, and none of it can be recorded.
        wait_until(lambda: len(relay.taken) >= 4, 30, "the first mails")
        wait_until(lambda: server.get("/_/readyz").status == 503, 30, "a full disk to be noticed")
        with pytest.raises(OSError) as full:
            (disk / "more").write_bytes(b"x" * 8192)
        assert full.value.errno == errno.ENOSPC
        (disk / "more").unlink()
        relay.filler.unlink()
        server.settled(60)
        mailed = collections.Counter(mail.link.partition("?")[0].rpartition("/")[2] for _, mail in relay.taken)
        assert mailed == {key: 1 for key in keys}
        assert len(server.deliveries("delivered")) == len(keys)
        server.stop()


def test_a_file_that_cannot_grow_is_an_error_for_its_client_alone(make_server):
    server = make_server()
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
    answer = request(server, "PUT", "/file-exchange/too-large.bin", bytes(8 << 20))
    assert answer is not None and answer.status in (500, 503), str(answer)
    assert server.process.poll() is None
    assert request(server, "GET", "/file-exchange/too-large.bin").status == 404
    wait_until(lambda: server.object_files() == [], 10, "the removal of the half-written file")
    assert request(server, "PUT", "/file-exchange/small.bin", b"s" * 100_000).status == 200
    assert request(server, "GET", "/file-exchange/small.bin").body == b"s" * 100_000


def test_a_flipped_bit_on_disk_is_never_served(make_server):
    server = make_server()
    content = os.urandom(300_000)
    assert request(server, "PUT", "/file-exchange/a.bin", content).status == 200
    server.wait_mails(1)
    (path,) = server.object_files()
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    answer = request(server, "GET", "/file-exchange/a.bin")
    assert answer is None or answer.status >= 500 or len(answer.body) < len(content)
    # A range that does not touch the damage is still good.
    whole = request(server, "GET", "/file-exchange/a.bin", headers={"Range": "bytes=0-999"})
    assert whole.status == 206 and whole.body == content[:1000]


def test_a_bucket_with_a_quota_refuses_uploads_before_their_bodies(make_server):
    server = make_server(settings={"bucket.max_bytes": "100000", "bucket.max_objects": "2"})
    assert request(server, "PUT", f"/{server.bucket}/a", b"a" * 60_000).status == 200
    refused = request(server, "PUT", f"/{server.bucket}/b", b"b" * 60_000)
    assert (refused.status, refused.code) == (403, "QuotaExceeded")
    assert b"bucket.max_bytes" in refused.body
    assert request(server, "PUT", f"/{server.bucket}/a", b"a" * 90_000).status == 200
    assert request(server, "PUT", f"/{server.bucket}/b", b"b").status == 200
    refused = request(server, "PUT", f"/{server.bucket}/c", b"c")
    assert (refused.status, refused.code) == (403, "QuotaExceeded")
    assert request(server, "DELETE", f"/{server.bucket}/a").status == 204
    assert request(server, "PUT", f"/{server.bucket}/c", b"c").status == 200
