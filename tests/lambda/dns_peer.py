"""A name server for one execution environment: every name has the address 127.0.0.1, unless told otherwise.

It listens on port 53, the only one resolv.conf knows, of a loopback address of its own.
Source: RFC 1035, sections 4.1.1 to 4.1.3.
"""

import random
import socket
import struct
import threading

A = 1
NAME_ERROR, SERVER_FAILURE = 3, 2


class DnsPeer:
    """`answer`: the code of the answers (0: an address), or None: there are none. Raises PermissionError where port 53
    cannot be had."""

    def __init__(self):
        self.answer = 0
        self.names = []  # that were asked for
        self.changed = threading.Condition()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = self._bind()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _bind(self):
        for _ in range(20):
            address = f"127.53.{random.randrange(256)}.{random.randrange(1, 255)}"
            try:
                self._socket.bind((address, 53))
                return address
            except PermissionError:
                self._socket.close()
                raise
            except OSError:
                continue
        raise AssertionError("no free address")

    def write_files(self, root):
        """/etc/resolv.conf, and an nsswitch.conf that asks for modules which are not there, as Amazon Linux's may."""
        (root / "etc" / "resolv.conf").write_text(f"nameserver {self.address}\n")
        (root / "etc" / "nsswitch.conf").write_text("hosts: resolve [!UNAVAIL=return] myhostname files dns\n")

    def wait_asked(self, timeout=20):
        with self.changed:
            assert self.changed.wait_for(lambda: self.names, timeout), "no name was asked for"

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as poke:
            poke.sendto(b"", self._socket.getsockname())
        self._thread.join(10)
        self._socket.close()

    def _serve(self):
        while True:
            query, client = self._socket.recvfrom(4096)
            if not query:
                return
            name, end = [], 12
            while query[end]:
                name.append(query[end + 1:end + 1 + query[end]].decode())
                end += 1 + query[end]
            kind, = struct.unpack_from("!H", query, end + 1)
            with self.changed:
                self.names.append(".".join(name))
                answer = self.answer
                self.changed.notify_all()
            if answer is None:
                continue
            found = answer == 0 and kind == A
            reply = query[:2] + struct.pack("!HHHHH", 0x8180 | answer, 1, found, 0, 0) + query[12:end + 5]
            if found:
                reply += struct.pack("!HHHIH", 0xC00C, A, 1, 60, 4) + socket.inet_aton("127.0.0.1")
            self._socket.sendto(reply, client)
