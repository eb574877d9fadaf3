"""The log on standard error when nobody reads it, when its reader is gone, when it is closed, and on a full disk: the
server goes on, and counts the lines it dropped."""

import contextlib
import json
import os
import pty
import select
import subprocess
import termios

import pytest
from prometheus import scrape
from s3link_harness import BINARY, wait_until

DROPPED = "s3link_log_lines_dropped_total"
UPLOADS = 400


class Pipe:
    """A pipe for the log, read only when a test says so."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        self.text = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close_reader()
        self.close_writer()

    def close_reader(self):
        with contextlib.suppress(OSError):
            os.close(self.reader)

    def close_writer(self):
        with contextlib.suppress(OSError):
            os.close(self.writer)

    def fill(self):
        os.set_blocking(self.writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.writer, b"x")
        os.set_blocking(self.writer, True)

    def read_some(self):
        """What there is now; whole lines."""
        while select.select([self.reader], [], [], 0)[0] or (self.text and not self.text.endswith(b"\n")):
            found = os.read(self.reader, 65536)
            if not found:
                break
            self.text += found
        return self.lines()

    def read_to_end(self):
        while found := os.read(self.reader, 65536):
            self.text += found
        return self.lines()

    def lines(self):
        assert not self.text or self.text.endswith(b"\n"), self.text[-200:]
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def pipe():
    with Pipe() as pipe:
        yield pipe


def upload(server, count):
    """Keys so long that the lines about them fill the pipe and the queue behind it."""
    client = server.s3()
    for number in range(count):
        client.put_object(Bucket=server.bucket, Key=f"{number:04}-{'k' * 900}", Body=b"x")


def dropped(server):
    return scrape(server).value(DROPPED)


def told(lines):
    return sum(int(line["count"]) for line in lines if line["message"] == "log lines dropped")


def started(make_server, log, **options):
    server = make_server(start=False, **options)
    server.start(log=log)
    return server


def test_a_log_that_nobody_reads_stops_nothing(make_server, pipe):
    server = started(make_server, pipe.writer)
    pipe.close_writer()
    upload(server, UPLOADS)
    server.wait_mails(UPLOADS, timeout=60)
    assert server.get("/_/readyz").status == 200
    assert dropped(server) > 0

    wait_until(lambda: told(pipe.read_some()) == dropped(server), 30, "the lines that say how many were dropped")
    before = len(pipe.lines())
    server.s3().put_object(Bucket=server.bucket, Key="after", Body=b"x")
    wait_until(lambda: any(line["message"] == "delivery sent" and line["key"] == "after"
                           for line in pipe.read_some()[before:]), 30, "lines that come again")
    server.stop()
    lines = pipe.read_to_end()
    assert lines[-1]["message"] == "stopped"
    # All of the beginning is there, and no line twice.
    sent = [line["key"] for line in lines if line["message"] == "delivery sent"]
    assert len(sent) == len(set(sent)) and 20 < len(sent) <= UPLOADS + 1
    first = [line["message"] for line in lines].index("log lines dropped")
    assert "ready" in [line["message"] for line in lines[:first]]


def test_sigterm_ends_a_server_whose_log_nobody_reads(make_server, pipe):
    server = started(make_server, pipe.writer)
    pipe.close_writer()
    upload(server, UPLOADS)
    server.wait_mails(UPLOADS, timeout=60)
    server.stop()
    lines = pipe.read_to_end()
    assert len(lines) > 20 and all(line["level"] for line in lines)


def test_a_log_whose_reader_is_gone_stops_nothing(make_server, pipe):
    server = started(make_server, pipe.writer)
    pipe.close_writer()
    pipe.close_reader()
    upload(server, 50)
    server.wait_mails(50)
    assert server.get("/_/readyz").status == 200
    assert wait_until(lambda: dropped(server), 30, "lines that are counted") > 0
    server.stop()


def test_a_log_on_a_full_disk_stops_nothing(make_server):
    with open("/dev/full", "wb") as full:
        server = started(make_server, full)
    upload(server, 50)
    server.wait_mails(50)
    assert server.get("/_/readyz").status == 200
    wait_until(lambda: dropped(server) >= 50, 30, "lines that are counted")
    server.stop()


def test_with_closed_descriptors_nothing_is_printed_into_another_file(make_server):
    server = started(make_server, None, wrapper=["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-'])
    upload(server, 50)
    server.wait_mails(50)
    wait_until(lambda: dropped(server) >= 50, 30, "lines that are counted")
    for number in range(3):
        assert os.readlink(f"/proc/{server.process.pid}/fd/{number}") == "/dev/null"
    assert server.log() == ""
    server.stop()


def test_a_refusal_at_start_waits_for_nobody_and_comes_behind_the_log(server, pipe):
    command = [BINARY, "serve", "--data-dir", server.data_dir, "--listen", "127.0.0.1:0"]
    done = subprocess.run(command, env=server.environment, stderr=pipe.writer, timeout=60)
    assert done.returncode == 1
    pipe.fill()
    done = subprocess.run(command, env=server.environment, stderr=pipe.writer, timeout=60)
    assert done.returncode == 1
    pipe.close_writer()
    text = b"".join(iter(lambda: os.read(pipe.reader, 65536), b""))
    assert text.startswith(b"s3link: ") and text.partition(b"\n")[2].strip(b"x") == b""


def test_a_terminal_that_is_stopped_is_not_waited_for(make_server):
    terminal, end = pty.openpty()
    try:
        termios.tcflow(end, termios.TCOOFF)  # as Ctrl-S does
        server = make_server(start=False)
        process = subprocess.Popen([BINARY, "serve", "--data-dir", server.data_dir, "--listen", "127.0.0.1:0"],
                                   env=server.environment, stdin=subprocess.DEVNULL, stdout=end, stderr=end)
        server.process = process
        server.wait_ready()
        upload(server, UPLOADS)
        server.wait_mails(UPLOADS, timeout=60)
        assert dropped(server) > 0
        server.stop()
    finally:
        termios.tcflow(end, termios.TCOON)
        os.close(end)
        os.close(terminal)
