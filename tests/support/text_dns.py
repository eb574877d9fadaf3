"""A name server for TXT records on a loopback port of its own, over UDP and TCP. Source: RFC 1035, sections 3.3.14 and 4.

Answers that are too long for UDP are marked as truncated there. Names without a record do not exist.
"""

import contextlib
import socket
import struct
import threading

TXT = 16
NAME_ERROR, REFUSED = 3, 5
UDP_LIMIT = 512


class TextDns:
    """`records`: name -> list of texts. `code`: what every answer says instead, or None: there are no answers."""

    def __init__(self, records=(), code=0):
        self.records, self.code = dict(records), code
        self.asked = []  # names, as they came
        self.by_tcp = 0
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(self._tcp.getsockname())
        self.address = "127.0.0.1:%d" % self._tcp.getsockname()[1]
        self._threads = [threading.Thread(target=serve, daemon=True) for serve in (self._serve_udp, self._serve_tcp)]

    def _answer(self, query, limit):
        name, end = [], 12
        while query[end]:
            name.append(query[end + 1:end + 1 + query[end]].decode())
            end += 1 + query[end]
        kind, = struct.unpack_from("!H", query, end + 1)
        name = ".".join(name)
        self.asked.append(name)
        texts = self.records.get(name.lower(), [])
        code = self.code or (0 if texts else NAME_ERROR)
        answers = b""
        for text in texts if code == 0 and kind == TXT else []:
            data = text.encode()
            pieces = [data[at:at + 255] for at in range(0, len(data), 255)] or [b""]
            data = b"".join(bytes([len(piece)]) + piece for piece in pieces)
            answers += struct.pack("!HHHIH", 0xC00C, TXT, 1, 60, len(data)) + data
        count, truncated = (len(texts) if answers else 0), 0
        if 12 + len(answers) + end + 5 > limit:
            answers, count, truncated = b"", 0, 0x0200
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | truncated | code, 1, count, 0, 0)
        return head + query[12:end + 5] + answers

    def _serve_udp(self):
        while True:
            query, client = self._udp.recvfrom(4096)
            if not query:
                return
            if self.code is not None:
                self._udp.sendto(self._answer(query, UDP_LIMIT), client)

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with contextlib.suppress(OSError, struct.error), connection:
                connection.settimeout(10)
                stream = connection.makefile("rb")
                length, = struct.unpack("!H", stream.read(2))
                answer = self._answer(stream.read(length), 65535)
                self.by_tcp += 1
                connection.sendall(struct.pack("!H", len(answer)) + answer)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as poke:
            poke.sendto(b"", self._udp.getsockname())
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        for thread in self._threads:
            thread.join(10)
        self._udp.close()
