"""Deadlines on the wall clock: the link dies, then the object is gone, each when the mail says. And a wall clock that is
set while the server runs (libfaketime)."""

import contextlib
import email.utils
import os
import pathlib
import sqlite3
import time

import access_logs
from s3link_harness import wait_until


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
