"""Deadlines on the wall clock: the link dies, then the object is gone, each when the mail says. And a wall clock that is
set while the server runs (libfaketime)."""

import contextlib
import email.utils
import json
import os
import pathlib
import sqlite3
import time

import access_logs
from s3link_harness import free_port, wait_until


def status_of(server, link):
    return server.fetch(link).status


def test_the_link_dies_at_its_deadline_and_the_object_at_its_removal(make_server):
    server = make_server(settings={"link.expiration": "3s", "bucket.object_ttl": "6s"})
    s3 = server.s3()
    started = time.time()
    s3.put_object(Bucket=server.bucket, Key="brief.bin", Body=bytes(200_000))
    stored = time.time()
    assert len(server.object_files()) == 1
    mail = server.wait_mails(1)[0]
    assert status_of(server, mail.link) == 200

    # A link states whole seconds, so it may die up to one second before its three seconds are over, never after.
    dead = wait_until(lambda: status_of(server, mail.link) == 403 and time.time(), 10, "the link's death")
    mailed = email.utils.parsedate_to_datetime(str(mail.message["Date"])).timestamp()
    assert started + 1.9 <= dead <= max(stored, mailed + 1) + 3.5
    assert server.fetch(mail.link).error_code == "AccessDenied"
    s3.head_object(Bucket=server.bucket, Key="brief.bin")

    def removed():
        return "Contents" not in s3.list_objects_v2(Bucket=server.bucket) and time.time()

    gone = wait_until(removed, 15, "the removal")
    assert started + 5.9 <= gone <= stored + 8
    try:
        s3.get_object(Bucket=server.bucket, Key="brief.bin")
        raise AssertionError("the object is still served")
    except s3.exceptions.NoSuchKey:
        pass
    wait_until(lambda: server.object_files() == [], 5, "the file's removal")
    (delivery,) = server.deliveries("delivered")
    assert delivery["key"] == "brief.bin", "what was mailed stays known"


def test_the_object_is_gone_at_its_time_even_when_nobody_swept(make_server):
    """The removal time counts, not the sweeper: stopped over it, the server starts without the object."""
    server = make_server(settings={"link.expiration": "2s", "bucket.object_ttl": "2s"})
    server.s3().put_object(Bucket=server.bucket, Key="brief.bin", Body=bytes(200_000))
    mail = server.wait_mails(1)[0]
    stored = time.time()
    server.stop()
    wait_until(lambda: time.time() > stored + 2.1, 5, "the removal time")
    server.start()
    wait_until(lambda: server.object_files() == [], 10, "the file's removal")
    assert server.s3().list_objects_v2(Bucket=server.bucket).get("Contents", []) == []
    port = mail.link.split("/")[2]
    link = mail.link.replace(port, f"127.0.0.1:{server.port}")
    assert status_of(server, link) == 403


def test_a_mail_that_is_late_states_the_deadline_that_is_so(make_server):
    """A link of five hours on an object with two seconds left works two seconds, and the mail says so."""
    server = make_server(settings={"link.expiration": "1d", "bucket.object_ttl": "1d"})
    server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
    mail = server.wait_mails(1)[0]
    (row,) = server.deliveries("delivered")
    deadline = row["deadline"]
    assert deadline <= row["created"][:8] + "99", "ISO 8601 in UTC compares as text"
    day, hour_minute = deadline[:10], deadline[11:16]
    year, _, month_day = day.partition("-")
    assert year in mail.text and str(int(month_day[-2:])) in mail.text and hour_minute in mail.text
    assert "UTC" in mail.text


class SetClock:
    """The wall clock of a server, which follows the machine's until it is set; its steady clock is the machine's."""

    def __init__(self, folder):
        (library,) = pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        self._file = folder / "clock"
        self.set("+0")
        self.environment = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self._file),
                            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                            "FAKETIME_DONT_RESET": "1", "NO_FAKE_STAT": "1"}

    def set(self, offset):
        """`offset` from the machine's clock: "-1h", "+3d"."""
        new = self._file.with_suffix(".new")
        new.write_text(offset + "\n")
        os.replace(new, self._file)


def journal_lines(server):
    with contextlib.closing(sqlite3.connect(f"file:{server.data_dir}/s3link.db?mode=ro", uri=True, timeout=10)) as database:
        return database.execute("SELECT coalesce(sum(line_count), 0) FROM access_log_journal").fetchone()[0]


def test_a_clock_set_back_holds_up_neither_the_access_log_nor_the_end(make_server, tmp_path):
    clock = SetClock(tmp_path)
    server = make_server(settings={"access_log.flush_interval": "1h"}, environment=clock.environment)
    s3 = server.s3()
    for number in range(40):
        if number == 20:
            clock.set("-10m")  # less than what signatures allow
        s3.put_object(Bucket=server.bucket, Key=f"k{number}", Body=b"x")
    wait_until(lambda: journal_lines(server) + len(access_logs.read_records(server)) == 40, 20, "the lines on disk",
               interval=0.1)
    server.stop()


def log_messages(server):
    """The `message` of every line of the log."""
    lines = (json.loads(line) for line in server.log().splitlines() if line.startswith("{"))
    return [line["message"] for line in lines]


def wait_logged(server, message):
    wait_until(lambda: message in log_messages(server), 20, f"the log line {message!r}", interval=0.1)


def clock_of(server):
    """What /_/readyz tells of the clock, and the status it tells it with."""
    answer = server.get("/_/readyz")
    return answer.status, json.loads(answer.body)["clock"]


def confirm(server):
    file = server.data_dir / "clock-confirmed"
    file.touch()
    wait_until(lambda: not file.exists(), 20, "the server to take the confirmation", interval=0.1)


def make_waiting_mail(make_server, clock, **settings):
    """A server, stopped, whose only mail waits: nobody listened where its relay should be."""
    server = make_server(settings={"email.transport": f"smtp://127.0.0.1:{free_port()}?starttls=never", **settings},
                         environment=clock.environment)
    server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"content")
    wait_logged(server, "relay paused")
    server.stop()
    server.environment["S3LINK_EMAIL_TRANSPORT"] = "outbox"
    return server


def test_no_mail_leaves_while_the_clock_is_before_what_is_in_the_database(make_server, tmp_path):
    clock = SetClock(tmp_path)
    server = make_waiting_mail(make_server, clock)
    clock.set("-9800d")  # its battery is empty, and no time service has answered yet
    server.start()
    wait_logged(server, "mails wait for the clock")
    wait_logged(server, "alarm raised")
    status, told = clock_of(server)
    assert (status, told["state"], told["waits"]) == (200, "behind", "mails") and told["seconds"] > 9799 * 86400
    assert "clock is behind" in server.cli("doctor", check=False).stdout
    assert server.mails() == []

    clock.set("+0")
    mail = server.wait_mails(1)[0]
    assert server.fetch(mail.link).body == b"content"
    wait_logged(server, "mails no longer wait for the clock")
    assert clock_of(server) == (200, {"state": "plausible"})
    wait_logged(server, "alarm over")


def test_an_operator_says_that_an_early_clock_is_right(make_server, tmp_path):
    """The server ran with a clock that was ahead; nobody waits for years until that is the time again."""
    clock = SetClock(tmp_path)
    server = make_waiting_mail(make_server, clock)
    clock.set("-2d")
    server.start()
    wait_logged(server, "mails wait for the clock")
    confirm(server)
    server.wait_mails(1)
    assert log_messages(server).count("clock confirmed") == 1
    server.stop()
    server.start()  # that is remembered
    assert clock_of(server) == (200, {"state": "plausible"})


def test_a_jump_ahead_removes_nothing_until_somebody_confirms_it(make_server, tmp_path):
    clock = SetClock(tmp_path)
    server = make_server(settings={"bucket.object_ttl": "2d", "email.transport": "outbox"}, environment=clock.environment)
    server.s3().put_object(Bucket=server.bucket, Key="a.bin", Body=bytes(200_000))
    server.wait_mails(1)
    clock.set("+3d")
    wait_logged(server, "removal waits for the clock")
    wait_logged(server, "alarm raised")
    status, told = clock_of(server)
    assert (status, told["state"], told["waits"]) == (200, "ahead", "removal")
    server.stop()
    server.start()  # what is overdue would go now
    assert clock_of(server)[1]["state"] == "ahead"

    clock.set("+0")  # it was wrong
    wait_logged(server, "removal no longer waits for the clock")
    assert len(server.object_files()) == 1
    assert server.s3().head_object(Bucket=server.bucket, Key="a.bin")["ContentLength"] == 200_000

    clock.set("+3d")
    wait_until(lambda: log_messages(server).count("removal waits for the clock") == 3, 20, "the second jump", interval=0.1)
    assert len(server.object_files()) == 1
    confirm(server)
    wait_until(lambda: server.object_files() == [], 20, "the removal", interval=0.1)
