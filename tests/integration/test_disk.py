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
from prometheus import scrape
from raw_s3 import request
from relays import ScriptedRelay
from s3link_harness import wait_until
from webhooks import WebhookReceiver


@contextlib.contextmanager
def small_disk(folder, size, inodes=0):
    """A filesystem of `size` bytes (and `inodes` files; 0: enough) on `folder`; needs the right to mount."""
    folder.mkdir()
    options = f"size={size},nr_inodes={inodes},mode=0700"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True)
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


def reasons(server):
    """Why /_/readyz says no: {part: message}; none: it says yes."""
    answer = server.get("/_/readyz")
    assert answer.status in (200, 503)
    return {} if answer.status == 200 else {
        reason["part"]: reason["message"] for reason in json.loads(answer.body)["error"]["reasons"]}


def told(hook, alarm="storage"):
    return [post.document["message"] for post in hook.posted if post.document["alarm"] == alarm]


def store_writable(server):
    return scrape(server).value("s3link_store_writable")


def test_a_disk_without_inodes_is_told_before_anybody_uploads(make_server, tmp_path):
    with small_disk(tmp_path / "disk", 400 << 20, inodes=500) as disk, WebhookReceiver() as hook:
        server = make_server(data_dir=disk / "data", settings={
            "alarm.webhook": f"http://127.0.0.1:{hook.port}/", "alarm.period": "1s"})
        with pytest.raises(OSError) as none_left:
            for number in range(1000):
                (disk / f"{number}").touch()
        assert none_left.value.errno == errno.ENOSPC
        why = ("no file can be made in objects/ though there is space: its file system has no inodes left (df -i)")
        wait_until(lambda: reasons(server) == {"storage": why}, 30, "readiness to say no")
        assert request(server, "PUT", "/file-exchange/a.bin", b"a" * 100_000).status == 503
        wait_until(lambda: told(hook), 30, "the alarm")
        assert hook.posted[0].document["reasons"] == [{"reason": why, "count": 1}]
        assert store_writable(server) == 0
        for number in range(20):
            (disk / f"{number}").unlink()
        wait_until(lambda: reasons(server) == {}, 30, "readiness to say yes")
        assert request(server, "PUT", "/file-exchange/a.bin", b"a" * 100_000).status == 200
        wait_until(lambda: len(told(hook)) == 2, 30, "the end of the alarm")
        assert told(hook) == ["alarm", "ok"]
        assert store_writable(server) == 1
        lines = server.log()
        assert (lines.count("uploads cannot be stored"), lines.count("uploads can be stored again")) == (1, 1)
        server.stop()


def test_files_that_may_not_be_made_or_read_are_told(make_server):
    # Without the capability root is asked for rights like anybody else.
    wrapper = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    server = make_server(wrapper=wrapper)
    assert request(server, "PUT", "/file-exchange/a.bin", b"a" * 100_000).status == 200
    (body,) = server.object_files()
    objects = server.data_dir / "objects"
    refused = [(body, "stored files in objects/ cannot be opened: Permission denied"),
               (objects, "no file can be made in objects/: Permission denied")]
    modes = {path: path.stat().st_mode for path, _ in refused}
    for path, why in refused:
        path.chmod(0)
        wait_until(lambda why=why: reasons(server) == {"storage": why}, 30, why)
        assert request(server, "GET", "/file-exchange/a.bin").status == 500
    for path in (objects, body):
        path.chmod(modes[path])
    wait_until(lambda: reasons(server) == {}, 30, "readiness to say yes")
    assert request(server, "GET", "/file-exchange/a.bin").status == 200


def test_an_alarm_that_cannot_be_stored_is_told_once(make_server):
    with WebhookReceiver() as hook:
        server = make_server(settings={"alarm.webhook": f"http://127.0.0.1:{hook.port}/", "alarm.period": "1s"})
        assert request(server, "PUT", "/file-exchange/kept.txt", b"k").status == 200
        server.wait_mails(1)
        # No page fits into the log any more: the next commit fails in a way that leaves its outcome open.
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
        wait_until(lambda: request(server, "PUT", "/file-exchange/next.txt", b"n").status in (500, 503), 30, "a refusal")
        (part, why), = wait_until(lambda: reasons(server), 30, "readiness to say no").items()
        assert part == "store" and why.startswith("writes are refused until s3link is restarted: "), why
        wait_until(lambda: told(hook), 30, "the alarm")
        assert hook.posted[0].document["reasons"][0]["reason"] == why
        # The log goes on from here: each line of it is a try of the alarm to store what it has told.
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        tries = "alarm cannot be evaluated or stored"
        before = server.log().count(tries)
        wait_until(lambda: server.log().count(tries) >= before + 2, 60, "two more tries")
        assert request(server, "GET", "/file-exchange/kept.txt").body == b"k"
        server.kill()
        server.start()
        wait_until(lambda: reasons(server) == {}, 30, "readiness to say yes")
        assert request(server, "PUT", "/file-exchange/next.txt", b"n").status == 200
        assert told(hook) == ["alarm"]


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
