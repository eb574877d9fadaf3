#!/usr/bin/python3
"""What the server needs with a million objects, a hundred thousand waiting mails and two thousand clients, and whether
removing a hundred thousand objects is felt by those who read others.

    cmake --preset release -DS3LINK_BENCH=ON && ninja -C build/release s3link s3link-load
    bench/scale/measure.py /var/tmp/scale

See README.md for what the lines mean. The folder keeps its million objects, and a second run starts from them.
"""

import argparse
import datetime
import hmac
import pathlib
import re
import resource
import socket
import sqlite3
import statistics
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "bench" / "lambda"), str(REPOSITORY / "tests" / "support")]
import machine  # noqa: E402
from raw_s3 import UNSIGNED, Signer  # noqa: E402
from relays import SmtpSink  # noqa: E402
from s3link_harness import BUILD_DIR, Server, free_port, wait_until  # noqa: E402

MIB = 1024 * 1024
SMALL, LARGE = 1024, 20 * 1024  # one in the database, one in a file
HOT = "hot"
HOT_KEYS = 1000


def say(text):
    print(text, flush=True)


def memory(server):
    """Resident now and at most since the start, MiB."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    now, peak = (int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE).group(1)) / 1024
                 for name in ("VmRSS", "VmHWM"))
    return f"{now:.1f} MiB resident, {peak:.1f} MiB at most"


def load(server, operation, *options):
    """Runs s3link-load; returns the line it prints."""
    environment = {"AWS_ACCESS_KEY_ID": server.access_key_id, "AWS_SECRET_ACCESS_KEY": server.secret_access_key}
    done = subprocess.run([BUILD_DIR / "s3link-load", "--port", str(server.port), "--operation", operation,
                           *map(str, options)], env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def fill(server, prefix, size, count):
    say(f"  {load(server, 'fill', '--prefix', prefix, '--size', size, '--keys', count, '--connections', 64)}")


def count_of(server, query):
    database = sqlite3.connect(f"file:{server.data_dir}/s3link.db?mode=ro", uri=True, timeout=60)
    try:
        return database.execute(query).fetchone()[0]
    finally:
        database.close()


class Place:
    """The data folder, and servers on it."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"

    def server(self, **settings):
        settings = {name.replace("__", "."): value for name, value in settings.items()}
        return Server(self.data, settings={"log.level": "info", "bucket.object_ttl": "1000d", **settings},
                      log_folder=self.folder / "logs")


def store_objects(place, objects):
    say(f"{objects} objects of {SMALL} bytes, each with its mail to smtp-sink:")
    with SmtpSink() as relay:
        server = place.server(email__transport=f"smtp://127.0.0.1:{relay.port}?starttls=never", delivery__concurrency="64")
        with server:
            have = count_of(server, "SELECT count(*) FROM objects")
            begin = time.monotonic()
            if have < objects:
                fill(server, "stored", SMALL, objects)
            else:
                say(f"  {have} are there from an earlier run")
            fill(server, HOT, SMALL, HOT_KEYS)
            fill(server, HOT, LARGE, HOT_KEYS)
            wait_until(lambda: count_of(server, "SELECT value FROM counters WHERE name='outbox'") == 0, 36000, "the mails",
                       interval=1)
            say(f"  all mailed {time.monotonic() - begin:.0f} s after the first upload; {memory(server)}")


def time_to_ready(server):
    begin = time.monotonic()
    server.start(wait=False)
    while True:
        try:
            if (server.data_dir / "listen").exists() and server.get("/_/readyz").status == 200:
                return time.monotonic() - begin
        except (OSError, ValueError):
            pass
        assert server.process.poll() is None, server.log()
        time.sleep(0.001)


def measure_start(place, rounds):
    say("start, from the spawn until /_/readyz answers 200:")
    for what, cold in (("after a clean stop", False), ("the same, nothing of it in the page cache", True)):
        taken = []
        for _ in range(rounds):
            if cold:
                subprocess.run(["sync"], check=True)
                pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
            server = place.server()
            taken.append(time_to_ready(server) * 1000)
            server.stop()
        say(f"  {what}: {statistics.median(taken):.0f} ms ({min(taken):.0f} to {max(taken):.0f}, {rounds} starts)")
    taken = []
    for _ in range(rounds):
        server = place.server()
        server.start()
        fill_some(server)
        server.kill()
        server = place.server()
        taken.append(time_to_ready(server) * 1000)
        server.stop()
    say(f"  after a kill -9: {statistics.median(taken):.0f} ms ({min(taken):.0f} to {max(taken):.0f}, {rounds} starts)")


def fill_some(server):
    load(server, "fill", "--prefix", "again", "--size", LARGE, "--keys", 2000, "--connections", 16)


def measure_waiting(place, events):
    say(f"{events} mails waiting, with a relay that refuses connections:")
    server = place.server(email__transport=f"smtp://127.0.0.1:{free_port()}?starttls=never", delivery__max_attempts="1000",
                          delivery__first_retry="30s", delivery__max_retry="30s")
    with server:
        fill(server, "waiting", SMALL, events)
        waiting = count_of(server, "SELECT value FROM counters WHERE name='outbox'")
        assert waiting >= events, waiting
        say(f"  {waiting} wait; {memory(server)}")
        say(f"  GETs meanwhile: {load(server, 'get', '--existing', '--prefix', HOT, '--size', SMALL, '--keys', HOT_KEYS)}")
        say(f"  after 5 s of attempts: {memory(server)}")
    taken = time_to_ready(server) * 1000
    say(f"  a start with them waiting: {taken:.0f} ms; {memory(server)}")
    server.stop()
    with SmtpSink() as relay:
        draining = place.server(email__transport=f"smtp://127.0.0.1:{relay.port}?starttls=never",
                                delivery__concurrency="64", delivery__max_retry="30s")
        with draining:
            begin = time.monotonic()
            wait_until(lambda: count_of(draining, "SELECT value FROM counters WHERE name='outbox'") == 0, 36000,
                       "the mails", interval=1)
            say(f"  with a relay again all were mailed in {time.monotonic() - begin:.0f} s; {memory(draining)}")
            assert count_of(draining, "SELECT value FROM counters WHERE name='dead_letters'") == 0


def read_answer(client):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(65536)
        assert piece, "the server closed a connection"
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    left = int(re.search(rb"Content-Length: (\d+)", head).group(1)) - len(body)
    while left > 0:
        left -= len(client.recv(65536))
    assert head.startswith(b"HTTP/1.1 200 "), head


def measure_clients(place, count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * count)), hard))
    say(f"{count} clients at a time:")
    server = place.server()
    with server:
        signer = Signer.of(server)
        host = server.address
        clients = []
        say(f"  none yet: {memory(server)}")
        get = signer.presign(host, f"/{server.bucket}/{HOT}/{LARGE}/00000001")
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", server.port))
            client.sendall(f"GET {get} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            read_answer(client)
            clients.append(client)
        say(f"  each has read {LARGE} bytes and stays connected: {memory(server)}")
        for client in clients:
            client.sendall(f"GET {get} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        for client in clients:
            read_answer(client)
        say(f"  all read again, at the same time: {memory(server)}")
        body = b"x" * MIB
        for index, client in enumerate(clients):
            headers = {"Host": host, "Content-Length": str(len(body))}
            target = f"/{server.bucket}/halfway/{index}"
            signer.sign("PUT", target, headers, UNSIGNED)
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            client.sendall(f"PUT {target} HTTP/1.1\r\n{head}\r\n".encode() + body[:MIB // 2])
        wait_until(lambda: len(server.descriptors()) > 2 * count, 60, "the uploads' files", interval=0.1)
        say(f"  each is halfway through a PUT of 1 MiB: {memory(server)}")
        for client in clients:
            client.sendall(body[MIB // 2:])
        for client in clients:
            read_answer(client)
        say(f"  all PUTs answered: {memory(server)}")
        for client in clients:
            client.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


OBJECT_COLUMNS = ("bucket, key, number, body_set, size, etag, modified_ms, removed_at_ms, headers, checksum_algorithm,"
                  " checksum_value, checksum_composite, sha256, parts, removal_rule")


def seal_of(master_key):
    """The SQL function row_seal of docs/formats/store.md."""
    key = hmac.digest(master_key, b"s3link row seals 1\x01", "sha256")

    def encode(value):
        if value is None:
            return b"n"
        if isinstance(value, int):
            return b"i" + (value % 2**64).to_bytes(8, "big")
        data = value.encode() if isinstance(value, str) else value
        return (b"t" if isinstance(value, str) else b"b") + len(data).to_bytes(8, "big") + data

    return lambda *values: hmac.digest(key, b"".join(map(encode, values)), "sha256")[:16]


def expire(place, prefix, moment):
    """Sets the end of what begins with `prefix`, with the server stopped."""
    database = sqlite3.connect(place.data / "s3link.db")
    database.create_function("row_seal", -1, seal_of(bytes.fromhex((place.data / "master.key").read_text())))
    with database:
        these = " WHERE key >= ? AND key < ?"
        span = (f"{prefix}/".encode(), f"{prefix}0".encode())
        database.execute("UPDATE objects SET removed_at_ms=?" + these, (int(moment * 1000), *span))
        database.execute("UPDATE objects SET seal=row_seal('object', (SELECT name FROM buckets WHERE id=bucket), "
                         f"{OBJECT_COLUMNS})" + these, span)
    database.close()


def percentile(values, part):
    values = sorted(values)
    return values[int(part * (len(values) - 1))] / 1000


def read_samples(path):
    return [tuple(map(int, line.split())) for line in path.read_text().splitlines()]


def remaining(server, prefix):
    return count_of(server, f"SELECT count(*) FROM objects WHERE key >= CAST('{prefix}/' AS BLOB) AND "
                            f"key < CAST('{prefix}0' AS BLOB)")


def measure_sweep(place, expired, connections, sizes):
    for size, all_seconds in ((SMALL, 60), (LARGE, 200)):
        if size not in sizes:
            continue
        say(f"{expired} objects of {size} bytes expire at once, while {connections} connections read others of that size:")
        prefix = f"expiring-{size}"
        with SmtpSink() as relay:
            server = place.server(email__transport=f"smtp://127.0.0.1:{relay.port}?starttls=never",
                                  delivery__concurrency="64")
            with server:
                fill(server, prefix, size, expired)
                wait_until(lambda: count_of(server, "SELECT value FROM counters WHERE name='outbox'") == 0, 36000,
                           "the mails", interval=1)
        idle_seconds = 15
        moment = time.time() + idle_seconds + 5
        expire(place, prefix, moment)
        server = place.server()
        with server:
            samples = place.folder / "samples"
            line = load(server, "get", "--existing", "--prefix", HOT, "--size", size, "--keys", HOT_KEYS, "--connections",
                        connections, "--seconds", all_seconds, "--samples", samples)
            assert remaining(server, prefix) == 0, "the sweep took longer than the measurement"
            begun, ended = moment * 1e6, max(sweep_times(server)) * 1e6
            rows = read_samples(samples)
            idle = [taken for begin, taken in rows if begin < begun - 1e6]
            during = [taken for begin, taken in rows if begun <= begin < ended]
            say(f"  {line}")
            say(f"  removed in {(ended - begun) / 1e6:.1f} s; {memory(server)}")
            say(f"  GET p99 idle {percentile(idle, 0.99):.2f} ms ({len(idle)} requests), during the sweep "
                f"{percentile(during, 0.99):.2f} ms ({len(during)} requests): "
                f"{percentile(during, 0.99) / percentile(idle, 0.99):.2f} times; "
                f"p50 {percentile(idle, 0.5):.2f} and {percentile(during, 0.5):.2f} ms, "
                f"longest {percentile(idle, 1):.1f} and {percentile(during, 1):.1f} ms")
            samples.unlink()


def sweep_times(server):
    """When each batch was removed, seconds since 1970, from the log."""
    stamps = re.findall(r'"time":"([^"]+)Z"[^\n]*"expired objects removed"', server.log())
    return [datetime.datetime.fromisoformat(stamp).replace(tzinfo=datetime.timezone.utc).timestamp() for stamp in stamps]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="some 10 GB free, on the disk to be measured")
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--expired", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=16, help="that read during the sweep")
    parser.add_argument("--sweep-size", type=int, choices=(SMALL, LARGE), action="append", help="only objects of that size")
    parser.add_argument("--rounds", type=int, default=11, help="starts of each kind")
    parser.add_argument("--only", choices=("start", "waiting", "clients", "sweep"), action="append")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    place = Place(options.folder)
    wanted = options.only or ("start", "waiting", "clients", "sweep")
    say(machine.description())
    store_objects(place, options.objects)
    if "start" in wanted:
        measure_start(place, options.rounds)
    if "waiting" in wanted:
        measure_waiting(place, options.events)
    if "clients" in wanted:
        measure_clients(place, options.clients)
    if "sweep" in wanted:
        measure_sweep(place, options.expired, options.connections, options.sweep_size or (SMALL, LARGE))


if __name__ == "__main__":
    main()
