"""`s3link key rotate`: refused beside a server, killed at any time, and the end of the old key."""

import contextlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess

from raw_s3 import request
from s3link_harness import BINARY, clean_environment, pattern_bytes, wait_until


def command(data_dir):
    return [BINARY, "key", "rotate", "--data-dir", data_dir]


def rotate(data_dir):
    return subprocess.run(command(data_dir), env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)


def serve_once(data_dir):
    """A server that is expected to be refused."""
    return subprocess.run([BINARY, "serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0"], env=clean_environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)


def content_of(number):
    return pattern_bytes(800 if number % 5 else 60_000, str(number))


def fill(server, count):
    for number in range(count):
        assert request(server, "PUT", f"/{server.bucket}/object-{number}", content_of(number)).status == 200
    server.settled(60)


def check(server, count):
    for number in range(count):
        assert request(server, "GET", f"/{server.bucket}/object-{number}").body == content_of(number), number


def test_everything_reads_under_the_new_key_and_nothing_under_the_old(make_server):
    server = make_server(settings={"server.public_url": "http://files.example.org"})
    fill(server, 10)
    parts = f"/{server.bucket}/parts.bin"
    begun = request(server, "POST", parts + "?uploads")
    upload = re.search(rb"<UploadId>([^<]+)<", begun.body).group(1).decode()
    etag = request(server, "PUT", f"{parts}?partNumber=1&uploadId={upload}", content_of(0)).headers["etag"]
    mail = server.mails()[0]
    old = (server.data_dir / "master.key").read_text()

    refused = rotate(server.data_dir)
    assert refused.returncode == 1 and "stop it first" in refused.stderr and str(server.process.pid) in refused.stderr
    assert (server.data_dir / "master.key").read_text() == old
    server.stop()

    done = rotate(server.data_dir)
    assert done.returncode == 0, done.stderr
    assert "11 data keys" in done.stdout
    new = (server.data_dir / "master.key").read_text()
    assert new != old and len(new) == 65
    for path in server.data_dir.rglob("*"):
        assert not path.is_file() or old.strip().encode() not in path.read_bytes(), path
    assert new.strip() not in done.stdout + done.stderr and old.strip() not in done.stdout + done.stderr

    server.start()
    check(server, 10)
    completion = (f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
                  "</CompleteMultipartUpload>")
    assert request(server, "POST", f"{parts}?uploadId={upload}", completion.encode()).status == 200
    assert request(server, "GET", parts).body == content_of(0)
    moved = mail.link.replace("files.example.org", server.address)
    assert server.fetch(moved, headers={"Host": "files.example.org"}).status == 200, "links go on working"
    server.stop()

    (server.data_dir / "master.key").write_text(old)
    wrong = serve_once(server.data_dir)
    assert wrong.returncode == 1 and "master key" in wrong.stderr and "encrypted with" in wrong.stderr
    again = rotate(server.data_dir)
    assert again.returncode == 1 and "is not the master key" in again.stderr
    (server.data_dir / "master.key").write_text(new)
    server.start()


def test_a_change_of_the_access_key_beside_it_does_not_end_it(make_server):
    """That tells the process whose id is in `lock` to read the access key: a server, as a rule."""
    server = make_server()
    fill(server, 3)
    server.stop()
    process = subprocess.Popen(command(server.data_dir), env=clean_environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lock = server.data_dir / "lock"
    wait_until(lambda: lock.read_text().strip() == str(process.pid), 30, "its process id", interval=0.0001)
    while process.poll() is None:
        process.send_signal(signal.SIGHUP)
    assert process.returncode == 0
    server.start()
    check(server, 3)


def test_killed_at_any_time_it_leaves_a_folder_that_reads_and_can_be_run_again(make_server, tmp_path):
    """Kills at moments spread over a whole run. What is checked holds wherever they hit."""
    count = 20
    server = make_server()
    fill(server, count)
    server.stop()
    # More rows than requests would make in reasonable time: copies of a body's row that no object has.
    with contextlib.closing(sqlite3.connect(server.data_dir / "s3link.db")) as database, database:
        database.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<30000) "
                         "INSERT INTO bodies SELECT 1000000+i, 1, id, size, wrapped_key, -1, NULL, NULL, NULL, NULL, NULL "
                         "FROM n, (SELECT * FROM bodies WHERE small IS NOT NULL LIMIT 1)")
        database.execute("UPDATE meta SET value=2000000 WHERE name='next_number'")
    chance = random.Random(7)
    killed = 0
    for round_number in range(8):
        folder = tmp_path / f"round-{round_number}"
        shutil.copytree(server.data_dir, folder)
        process = subprocess.Popen(command(folder), env=clean_environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(0.002 + 0.3 * chance.random())
        except subprocess.TimeoutExpired:
            process.kill()
            killed += process.wait() == -signal.SIGKILL
        if round_number % 2 == 0:
            again = rotate(folder)
            assert again.returncode == 0, again.stderr
            assert not (folder / "master.key.new").exists()
        with make_server(data_dir=folder) as other:
            assert not (folder / "master.key.new").exists()
            check(other, count)
        shutil.rmtree(folder)
    assert killed > 0, "every run was over before its kill"
    server.start()
