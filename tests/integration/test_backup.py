"""`s3link backup` beside a running server, and a server started on what it made."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading

import pytest
from prometheus import scrape
from raw_s3 import request
from s3link_harness import BINARY, clean_environment, pattern_bytes, wait_until
from test_disk import small_disk


def backup(data_dir, target, **options):
    return subprocess.run([BINARY, "backup", "--data-dir", data_dir, target], env=clean_environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, **options)


def restore(target, data_dir, keys_of):
    """As docs/operations.md says."""
    data_dir.mkdir(mode=0o700)
    shutil.copy(target / "s3link.db", data_dir)
    shutil.copytree(target / "objects", data_dir / "objects")
    for name in ("master.key", "credentials"):
        shutil.copy(keys_of / name, data_dir)


def put(server, key, body):
    answer = request(server, "PUT", f"/{server.bucket}/{key}", body)
    assert answer is not None and answer.status == 200, str(answer)


def content_of(name):
    """Some in the database, some in files."""
    number = int(name.rpartition("-")[2])
    return pattern_bytes(900 if number % 3 else 70_000, name)


class Load(threading.Thread):
    """Uploads, and removes some of them again, until it is told to stop."""

    def __init__(self, server, name):
        super().__init__()
        self.server, self.name = server, name
        self.acknowledged, self.removing, self.over, self.failure = [], set(), threading.Event(), None

    def run(self):
        try:
            number = 0
            while not self.over.is_set():
                key = f"{self.name}-{number}"
                put(self.server, key, content_of(key))
                self.acknowledged.append(key)
                if number % 4 == 3:
                    gone = f"{self.name}-{number - 3}"
                    self.removing.add(gone)
                    assert request(self.server, "DELETE", f"/{self.server.bucket}/{gone}").status == 204
                number += 1
        except BaseException as error:
            self.failure = error


def test_what_was_acknowledged_before_a_backup_began_is_in_it(make_server, tmp_path):
    server = make_server()
    loads = [Load(server, f"load{index}") for index in range(3)]
    for load in loads:
        load.start()
    acknowledged = removing = set()
    try:
        for round_number in range(2):  # the second adds to the first
            count = sum(len(load.acknowledged) for load in loads)
            wait_until(lambda: any(load.failure for load in loads)
                       or sum(len(load.acknowledged) for load in loads) > count + 60, 30, "uploads")
            acknowledged = {key for load in loads for key in list(load.acknowledged)}
            made = backup(server.data_dir, tmp_path / "backup")
            assert made.returncode == 0, made.stderr
            removing = {key for load in loads for key in set(load.removing)}
    finally:
        for load in loads:
            load.over.set()
        for load in loads:
            load.join()
    assert not any(load.failure for load in loads), [load.failure for load in loads]
    server.settled()
    server.stop()

    restore(tmp_path / "backup", tmp_path / "restored", server.data_dir)
    restored = make_server(data_dir=tmp_path / "restored")
    restored.settled()
    listed = {entry["key"] for entry in json.loads(restored.cli("ls", "--json").stdout)["objects"]}
    assert acknowledged - removing <= listed, "lost"
    for key in listed:  # none is torn, whenever it was acknowledged
        assert request(restored, "GET", f"/{restored.bucket}/{key}").body == content_of(key), key

    # Every upload that was not removed was mailed, here or there; twice only under the same Message-ID.
    ids = {}
    for mail in server.mails() + restored.mails():
        ids.setdefault(mail.link.partition("?")[0].rpartition("/")[2], set()).add(mail.message_id)
    assert acknowledged - removing <= set(ids) and all(len(of_key) == 1 for of_key in ids.values())


def test_an_event_that_waited_is_mailed_after_the_restore_and_a_mailed_one_is_not(make_server, tmp_path):
    settings = {"delivery.first_retry": "1s"}
    server = make_server(settings=settings)
    put(server, "mailed.txt", b"m")
    server.wait_mails(1)
    server.settled()
    server.stop()
    with socket.socket() as nobody:  # bound, but it does not listen
        nobody.bind(("127.0.0.1", 0))
        relay = f"smtp://127.0.0.1:{nobody.getsockname()[1]}"
        server = make_server(data_dir=server.data_dir, settings=settings | {"email.transport": relay})
        put(server, "waits.txt", b"w")
        wait_until(lambda: server.deliveries("pending"), 10, "the event")
        made = backup(server.data_dir, tmp_path / "backup")
        assert made.returncode == 0, made.stderr
        server.stop()
    restore(tmp_path / "backup", tmp_path / "restored", server.data_dir)
    restored = make_server(data_dir=tmp_path / "restored", settings=settings)
    (mail,) = restored.wait_mails(1, timeout=60)
    assert "waits.txt" in mail.link
    restored.settled()
    assert {row["key"] for row in restored.deliveries("delivered")} == {"mailed.txt", "waits.txt"}


def test_links_that_were_mailed_before_work_after_the_restore(make_server, tmp_path):
    settings = {"server.public_url": "http://files.example.org"}
    server = make_server(settings=settings)
    put(server, "a-0", content_of("a-0"))
    link = server.wait_mails(1)[0].link
    assert backup(server.data_dir, tmp_path / "backup").returncode == 0
    server.stop()
    restore(tmp_path / "backup", tmp_path / "restored", server.data_dir)
    restored = make_server(data_dir=tmp_path / "restored", settings=settings)
    moved = link.replace("files.example.org", restored.address)
    assert restored.fetch(moved, headers={"Host": "files.example.org"}).body == content_of("a-0")


def test_a_backup_without_its_keys_opens_for_nobody(make_server, tmp_path):
    server = make_server()
    put(server, "secret.bin", b"a very secret sentence " * 4000)
    made = backup(server.data_dir, tmp_path / "backup")
    assert made.returncode == 0, made.stderr
    secrets = [(server.data_dir / "master.key").read_text().strip(), server.secret_access_key, "very secret sentence"]
    for path in (tmp_path / "backup").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret.encode() in content for secret in secrets), path
    done = subprocess.run([BINARY, "serve", "--data-dir", tmp_path / "backup", "--listen", "127.0.0.1:0"],
                          env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "master key" in done.stderr and "missing" in done.stderr


def test_a_backup_of_a_stopped_folder_and_refusals(make_server, tmp_path):
    server = make_server()
    put(server, "a.bin", content_of("a-0"))
    server.stop()
    first = backup(server.data_dir, tmp_path / "backup")
    assert first.returncode == 0 and "1 file (1 new" in first.stdout, first.stdout + first.stderr
    again = backup(server.data_dir, tmp_path / "backup")
    assert again.returncode == 0 and "1 file (0 new" in again.stdout, again.stdout + again.stderr

    for target, word in ((server.data_dir / "inside", "inside"), (tmp_path, "neither empty")):
        refused = backup(server.data_dir, target)
        assert refused.returncode == 1 and word in refused.stderr, refused.stderr
    missing = backup(tmp_path / "nowhere", tmp_path / "other")
    assert missing.returncode == 1 and "nowhere" in missing.stderr
    (path,) = server.object_files()
    path.unlink()
    damaged = backup(server.data_dir, tmp_path / "third")
    assert damaged.returncode == 1 and "damaged" in damaged.stderr
    server.start()


def test_a_full_target_is_named_and_keeps_the_backup_before(make_server, tmp_path):
    server = make_server()
    put(server, "a-0", content_of("a-0"))
    with small_disk(tmp_path / "disk", 4 << 20) as disk:
        assert backup(server.data_dir, disk / "backup").returncode == 0
        put(server, "large.bin", bytes(6 << 20))
        full = backup(server.data_dir, disk / "backup")
        assert full.returncode == 1 and "No space left" in full.stderr, full.stderr
        shutil.copytree(disk / "backup", tmp_path / "kept")
    restore(tmp_path / "kept", tmp_path / "restored", server.data_dir)
    restored = make_server(data_dir=tmp_path / "restored")
    assert request(restored, "GET", f"/{restored.bucket}/a-0").body == content_of("a-0")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_another_user_is_refused(server, tmp_path):
    """Its files in the data folder could not be opened by the server."""
    tmp_path.chmod(0o755)
    os.chown(server.data_dir / "s3link.db", 65534, 65534)
    try:
        refused = backup(server.data_dir, tmp_path / "backup")
        assert refused.returncode == 1 and "65534" in refused.stderr, refused.stderr
    finally:
        os.chown(server.data_dir / "s3link.db", 0, 0)


def verify(data_dir, target):
    return subprocess.run([BINARY, "backup", "--data-dir", data_dir, "--verify", target], env=clean_environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def test_verify_reads_a_backup_to_its_last_byte_and_a_restore_sweeps_what_no_object_names(make_server, tmp_path):
    server = make_server()
    for key in ("kept-0", "kept-1", "kept-3"):
        put(server, key, content_of(key))
    target = tmp_path / "backup"
    assert backup(server.data_dir, target).returncode == 0
    whole = verify(server.data_dir, target)
    assert whole.returncode == 0 and "is whole: 3 bodies" in whole.stdout, whole
    files = [path for path in (target / "objects").rglob("*") if path.is_file()]
    assert len(files) == 2
    content = files[0].read_bytes()
    files[0].write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    damaged = verify(server.data_dir, target)
    assert damaged.returncode == 1 and damaged.stdout.startswith(f"damaged: {server.bucket}/kept-"), damaged
    files[0].write_bytes(content)
    missing_key = subprocess.run([BINARY, "backup", "--data-dir", tmp_path / "nothing", "--verify", target],
                                 env=clean_environment(), capture_output=True, text=True, timeout=60)
    assert missing_key.returncode == 1 and "master.key" in missing_key.stderr, missing_key

    stray = files[0].with_name(files[0].name[:4] + "0" * 28)  # as a run that was broken off leaves it
    shutil.copy(files[0], stray)
    server.stop()
    restore(target, tmp_path / "restored", server.data_dir)
    restored = make_server(data_dir=tmp_path / "restored")
    assert "first start after a restore" in restored.log()
    assert len(restored.object_files()) == 2
    for key in ("kept-0", "kept-1", "kept-3"):
        assert request(restored, "GET", f"/{restored.bucket}/{key}").body == content_of(key)


# -- a backup that hangs ---------------------------------------------------------------------------------------------

@contextlib.contextmanager
def begun_backup(data_dir, target, **environment):
    """`s3link backup` under way, whatever becomes of it."""
    process = subprocess.Popen([BINARY, "backup", "--data-dir", data_dir, target],
                               env=clean_environment() | environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def pipe_for_a_copy(server, target, key):
    """A pipe in the place of what is to become the copy of the key's file: whoever opens it waits for a reader."""
    before = set(server.object_files())
    put(server, key, content_of("large-0"))
    (path,) = set(server.object_files()) - before
    pipe = target / "objects" / path.relative_to(server.data_dir / "objects")
    pipe = pipe.with_name(pipe.name + ".partial")
    pipe.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(pipe, 0o600)
    return pipe


def readiness(server):
    answer = server.get("/_/readyz")
    return answer.status, json.loads(answer.body)


def remove(server, key):
    assert request(server, "DELETE", f"/{server.bucket}/{key}").status == 204


@pytest.mark.parametrize("stopped", [False, True], ids=["its disk hangs", "and it is stopped"])
def test_a_backup_that_hangs_is_broken_off_and_files_are_removed_again(make_server, tmp_path, stopped):
    server = make_server(settings={"backup.max_pause": "2s"})
    put(server, "gone-0", content_of("gone-0"))
    target = tmp_path / "backup"
    assert backup(server.data_dir, target).returncode == 0
    pipe = pipe_for_a_copy(server, target, "hangs")
    with begun_backup(server.data_dir, target) as hung:
        wait_until(lambda: readiness(server)[1].get("backup", {}).get("state") == "running", 20, "the backup")
        if stopped:
            hung.send_signal(signal.SIGSTOP)
        remove(server, "gone-0")
        wait_until(lambda: len(server.object_files()) == 1, 30, "the file of what was removed to go")
        status, document = readiness(server)
        assert status == 200 and document["backup"]["state"] == "broken off", document
        assert "no progress" in document["backup"]["last_broken_off"], document
        seen = scrape(server)
        assert seen.value("s3link_backups_broken_off_total") == 1 and seen.value("s3link_backup_running") == 0
        lines = [json.loads(line) for line in server.log().splitlines() if '"backup ' in line]
        assert [line["message"] for line in lines][:2] == ["backup stalled", "backup broken off"], lines
        assert all(line["process"] == str(hung.pid) for line in lines[:2])
        if stopped:
            hung.send_signal(signal.SIGCONT)
        output, errors = hung.communicate(timeout=30)  # which nobody has read the pipe of
        assert hung.returncode == 1 and output == "", (output, errors)
        assert errors.startswith("s3link: this backup was broken off: it made no progress for 2 s; "), errors
        assert len(errors.splitlines()) == 1
    wait_until(lambda: "backup ended that was broken off" in server.log(), 20, "its end in the log")

    before = verify(server.data_dir, target)  # the one before it
    assert before.returncode == 0 and "is whole: 1 bodies" in before.stdout, before
    assert "a later backup" in before.stderr and "did not end" in before.stderr, before
    pipe.unlink()
    again = backup(server.data_dir, target)
    assert again.returncode == 0, again.stderr
    whole = verify(server.data_dir, target)
    assert whole.returncode == 0 and whole.stderr == "", whole
    wait_until(lambda: "backup" not in readiness(server)[1], 20, "the sign to go")


def test_a_first_backup_that_was_broken_off_is_none(make_server, tmp_path):
    server = make_server(settings={"backup.max_pause": "1s"})
    target = tmp_path / "backup"
    assert backup(server.data_dir, target).returncode == 0
    (target / "s3link.db").unlink()
    pipe_for_a_copy(server, target, "hangs")
    with begun_backup(server.data_dir, target) as hung:
        assert hung.wait(30) == 1
    refused = verify(server.data_dir, target)
    assert refused.returncode == 1 and "did not end; run it again" in refused.stderr, refused


def test_a_backup_whose_disk_hangs_ends_by_itself_without_a_server(make_server, tmp_path):
    server = make_server()
    target = tmp_path / "backup"
    assert backup(server.data_dir, target).returncode == 0
    pipe_for_a_copy(server, target, "hangs")
    server.stop()
    with begun_backup(server.data_dir, target, S3LINK_BACKUP_MAX_PAUSE="1s") as hung:
        output, errors = hung.communicate(timeout=30)
        assert hung.returncode == 1 and "does the disk that it writes to still answer" in errors, errors


def locks(file, byte):
    """Which process has a record lock on that byte of the file; None: nobody."""
    with open(file, "rb+") as opened:
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
        kind, _, _, _, owner = struct.unpack("hhqqi4x", fcntl.fcntl(opened, fcntl.F_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else owner


def reads_the_database(data_dir, process):
    """Whether that process has byte 1 of backup.lock (docs/formats/store.md, "Backups"), and one of SQLite's read marks
    (walformat.html, 2.3.3: bytes 123 to 127 of the index): it says the one a little before and after the other."""
    return locks(data_dir / "backup.lock", 1) == process.pid and any(
        locks(data_dir / "s3link.db-shm", byte) == process.pid for byte in range(123, 128))


def stop_while_it_reads(server, target):
    """A backup that was stopped within its read transaction."""
    while True:
        process = subprocess.Popen([BINARY, "backup", "--data-dir", server.data_dir, target], env=clean_environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while process.poll() is None:
            if not reads_the_database(server.data_dir, process):
                continue
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            if reads_the_database(server.data_dir, process):
                return process
            process.send_signal(signal.SIGCONT)
        assert process.wait() == 0, process.stderr.read()


def test_a_server_starts_though_a_backup_was_stopped_while_it_reads(make_server, tmp_path):
    server = make_server()
    for number in range(200):
        put(server, f"first-{number}", pattern_bytes(16_000, str(number)))
    hung = stop_while_it_reads(server, tmp_path / "backup")
    try:
        put(server, "last", b"x")
        server.stop()
        server.start(wait=False)
        server.wait_ready(60)
        assert hung.wait(30) == -signal.SIGKILL
        assert '"backup killed"' in server.log()
    finally:
        hung.kill()
        hung.communicate()
    assert request(server, "GET", f"/{server.bucket}/last").body == b"x"
