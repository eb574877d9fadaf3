"""SIGTERM ends the server within 8 s whatever is in flight: Docker kills after 10."""

import contextlib
import signal
import socket
import subprocess

from relays import MisbehavingRelay
from s3link_harness import BINARY, clean_environment, wait_until
from slow_upload import begin_upload
from webhooks import HANG, WebhookReceiver

STALL = MisbehavingRelay.STALL
SECONDS = 8
SESSIONS = 64


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


@contextlib.contextmanager
def stopped_backup(server, target):
    """A backup in the middle of its work, as on a disk that has stopped."""
    process = subprocess.Popen([BINARY, "backup", "--data-dir", server.data_dir, target], env=clean_environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: target.exists() or process.poll() is not None, 30, "the backup's folder", interval=0.001)
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_sigterm_waits_for_nobody_who_takes_his_time(make_server, tmp_path):
    with contextlib.ExitStack() as stack:
        relay = stack.enter_context(MisbehavingRelay([("CONNECT", STALL)] * SESSIONS))
        hook = stack.enter_context(WebhookReceiver(answers=[HANG]))
        server = make_server(settings={"email.transport": f"smtp://127.0.0.1:{relay.port}",
                                       "email.recipient": "you@example.test", "alarm.period": "1s",
                                       "delivery.concurrency": str(SESSIONS), "email.max_connections": str(SESSIONS),
                                       "alarm.max_wait": "1s",
                                       "alarm.webhook": f"http://127.0.0.1:{hook.port}/hook"})
        client = server.s3()
        client.put_object(Bucket=server.bucket, Key="large", Body=bytes(64 * 1024 * 1024))
        for index in range(SESSIONS):
            client.put_object(Bucket=server.bucket, Key=f"mail-{index}", Body=b"x")
        peers = [stack.enter_context(connect(server)) for _ in range(6)]
        upload, download, refused, head, silent, late = peers
        begin_upload(upload, server, 10_000_000)
        url = client.generate_presigned_url("get_object", {"Bucket": server.bucket, "Key": "large"})
        download.sendall(f"GET {url.removeprefix(server.endpoint)} HTTP/1.1\r\nHost: {server.address}\r\n\r\n".encode())
        assert download.recv(12) == b"HTTP/1.1 200"  # the rest is never read
        refused.sendall(f"PUT /{server.bucket}/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n".encode())
        assert refused.recv(12) == b"HTTP/1.1 403"
        head.sendall(b"GET / HTTP/1.1\r\nX: ")
        late.sendall(f"PUT /{server.bucket}/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n".encode())
        assert late.recv(12) == b"HTTP/1.1 403"
        assert silent.fileno() >= 0
        wait_until(lambda: not relay.misdeeds, 60, "the sessions that stall")
        wait_until(lambda: hook.posted, 30, "the webhook that hangs")
        stack.enter_context(stopped_backup(server, tmp_path / "backup"))
        server.stop(timeout=SECONDS)
