"""The service manager's end of sd_notify(3), for tests: keeps what a service tells it."""

import socket
import threading

from s3link_harness import wait_until


class NotifySocket:
    """A datagram socket at `path`; with `abstract` at the same name in the abstract namespace. `address` is what
    NOTIFY_SOCKET has to be."""

    def __init__(self, path, abstract=False):
        self.address = ("@" if abstract else "") + str(path)
        self.received = []  # one dictionary for each datagram: {"READY": "1", "STATUS": "…"}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + str(path) if abstract else str(path))
        if not abstract:
            path.chmod(0o777)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while True:
            text = self._socket.recv(65536).decode()
            if not text:
                return  # from stop()
            self.received.append(dict(line.split("=", 1) for line in text.splitlines()))

    def count(self, name, value="1"):
        return sum(message.get(name) == value for message in list(self.received))

    def statuses(self):
        return [message["STATUS"] for message in list(self.received) if "STATUS" in message]

    def wait(self, name, value="1", more_than=0, timeout=30):
        """Waits for more than that many messages with `name=value`; returns how many there are."""
        return wait_until(lambda: (count := self.count(name, value)) > more_than and count, timeout,
                          lambda: f"{name}={value}; received: {self.received}")

    def stop(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as poke:
            poke.sendto(b"", self._socket.getsockname())
        self._thread.join(10)
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
