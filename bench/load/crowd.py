#!/usr/bin/env python3
"""How a GET of 10 KiB fares while a crowd of sockets holds the server: bench/load/crowd.py

Starts a server in a temporary folder and, for each kind of crowd, a process with so many sockets, which come again when
they are closed. Meanwhile GETs of 10 KiB, each on a connection of its own, are timed. Prints one line for each kind:
GETs that succeeded, and their median, 99th percentile and longest time.
"""

import argparse
import http.client
import multiprocessing
import pathlib
import resource
import selectors
import socket
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "support"))
from s3link_harness import Server  # noqa: E402

HEAD = b"GET / HTTP/1.1\r\nX: "
REFUSED = b"PUT /file-exchange/k HTTP/1.1\r\nHost: h\r\nContent-Length: 250000\r\n\r\n"
CROWDS = {"nobody": None, "silent": b"", "heads": HEAD, "refused": REFUSED}


def crowd(port, count, begin, ready):
    """Holds `count` sockets; each says a byte a second, but for the silent, and is replaced when it is closed."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    selector = selectors.DefaultSelector()

    def open_one():
        peer = socket.socket()
        peer.setblocking(False)
        peer.connect_ex(("127.0.0.1", port))
        selector.register(peer, selectors.EVENT_READ | (selectors.EVENT_WRITE if begin else 0))

    for _ in range(count):
        open_one()
    ready.set()
    told = time.monotonic()
    while True:
        for key, events in selector.select(0.1):
            peer = key.fileobj
            try:
                if events & selectors.EVENT_READ and not peer.recv(65536):
                    raise ConnectionResetError
                if events & selectors.EVENT_WRITE:
                    peer.send(begin)
                    selector.modify(peer, selectors.EVENT_READ)
            except BlockingIOError:
                pass
            except OSError:
                selector.unregister(peer)
                peer.close()
                open_one()
        if begin and time.monotonic() - told > 1:
            told = time.monotonic()
            for key in list(selector.get_map().values()):
                if not key.events & selectors.EVENT_WRITE:
                    try:
                        key.fileobj.send(b"x")
                    except OSError:
                        pass


def measure(server, path, seconds):
    times, failed = [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            connection.request("GET", path)
            answer = connection.getresponse()
            whole = answer.status == 200 and len(answer.read()) == 10 * 1024
            connection.close()
        except OSError:
            whole = False
        if whole:
            times.append(1000 * (time.monotonic() - began))
        else:
            failed += 1
        time.sleep(0.02)
    times.sort()
    return times, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Server(pathlib.Path(folder) / "data") as server:
        client = server.s3()
        client.put_object(Bucket=server.bucket, Key="k", Body=bytes(10 * 1024))
        url = client.generate_presigned_url("get_object", {"Bucket": server.bucket, "Key": "k"})
        for name, begin in CROWDS.items():
            process = None
            if begin is not None:
                ready = multiprocessing.Event()
                process = multiprocessing.Process(target=crowd, args=(server.port, options.sockets, begin, ready))
                process.start()
                ready.wait()
            times, failed = measure(server, url.removeprefix(server.endpoint), options.seconds)
            if process:
                process.kill()
                process.join()
            shown = (f"median {statistics.median(times):.1f} ms, p99 {times[int(0.99 * (len(times) - 1))]:.1f} ms, "
                     f"longest {times[-1]:.1f} ms" if times else "none")
            print(f"{name:8} {options.sockets if begin is not None else 0:6} sockets: {len(times)} GETs, "
                  f"{failed} failed, {shown}", flush=True)


if __name__ == "__main__":
    main()
