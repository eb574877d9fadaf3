"""An HTTP/1.1 server on loopback whose connections a test can break where it likes.

One thread a connection, keep-alive, port 0, plain or TLS. Not a general server: requests carry Content-Length or no body,
and what a peer gets wrong is kept in `complaints`, which the test looks at in the end.
"""

import collections
import dataclasses
import json
import select
import socket
import struct
import threading
import time
import urllib.parse


@dataclasses.dataclass
class Request:
    method: str
    target: str  # as received: "/path?query", encoded
    headers: list  # (name, value) as received, in order
    body: bytes
    connection: int  # number of the connection, from 1
    received: float  # time.monotonic() when its last byte was there

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    def header(self, name, default=None):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[0] if values else default

    def json(self):
        return json.loads(self.body)


@dataclasses.dataclass
class Answer:
    status: int = 200
    headers: dict = dataclasses.field(default_factory=dict)
    body: bytes = b""
    chunked: bool = False
    close: bool = False  # whether to close the connection after it

    @classmethod
    def of_json(cls, document, status=200, content_type="application/json", **headers):
        return cls(status, {"Content-Type": content_type, **{k.replace("_", "-"): v for k, v in headers.items()}},
                   json.dumps(document).encode())


class Drop(Exception):
    """Raised by a handler: the request was taken, its connection is closed without an answer."""


class Hold:
    """Requests that are held: release() has them handled, drop() closes their connections without handling them. Either
    ends the holding."""

    def __init__(self, peer):
        self._peer, self._taken, self._outcome = peer, 0, None
        with peer.changed:
            assert peer._hold is None, "held already"
            peer._hold = self

    def wait_taken(self, count=1):
        """Waits until that many requests are held."""
        self._peer.wait(lambda: self._taken >= count, what="a request to hold")

    def release(self):
        self._end("release")

    def drop(self):
        self._end("drop")

    def _end(self, outcome):
        with self._peer.changed:
            self._outcome, self._peer._hold = outcome, None
            self._peer.changed.notify_all()

    def _wait(self):
        """In the connection's thread, with the peer's lock."""
        self._taken += 1
        self._peer.changed.notify_all()
        self._peer.changed.wait_for(lambda: self._outcome or self._peer._stopping)
        if self._outcome != "release":
            raise Drop


REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
           413: "Payload Too Large", 429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}


class HttpPeer:
    """Subclasses answer in handle(request); `complaints` collects what a client did against the protocol."""

    def __init__(self, tls_context=None):
        self.complaints = []
        self.requests = []
        self.changed = threading.Condition()
        self._tls_context = tls_context
        self._resets = 0
        self._faults = collections.deque()
        self._hold = None
        self._stopping = False
        self._connections = {}  # number → (socket, busy)
        self._count = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self):
        return f"{'https' if self._tls_context else 'http'}://127.0.0.1:{self.port}"

    @property
    def connection_count(self):
        return self._count

    # -- failures to order ------------------------------------------------------------------------------------------

    def fault(self, *answers):
        """What the next requests get instead of handle()'s work, in order: an Answer, Drop, a callable of the request
        (which may return None: then the request is handled), or None (handled)."""
        with self.changed:
            self._faults.extend(answers)

    def forget_faults(self):
        with self.changed:
            self._faults.clear()
            self._resets = 0

    def hold(self):
        """Every request from now on is taken and not answered until the returned Hold says how it goes on."""
        return Hold(self)

    @property
    def faults_left(self):
        with self.changed:
            return len(self._faults)

    def reset_next(self, count=1):
        """The next `count` requests meet a reset (RST) before a byte of them is read."""
        with self.changed:
            self._resets += count

    def close_idle(self):
        """Waits until no request is being answered, then closes every connection, as a server does while its client is
        frozen. Returns how many there were."""
        with self.changed:
            assert self.changed.wait_for(lambda: not any(busy for _, busy in self._connections.values()), 10)
            idle = [number for number, (_, busy) in self._connections.items() if not busy]
            for number in idle:
                connection, _ = self._connections.pop(number)
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            return len(idle)

    def wait(self, condition, timeout=30, what="a request"):
        """Waits until condition() is true; the peers wake it at every request."""
        with self.changed:
            assert self.changed.wait_for(condition, timeout), f"{type(self).__name__}: waited {timeout} s for {what}"

    # -- work -------------------------------------------------------------------------------------------------------

    def handle(self, request):
        raise NotImplementedError

    def stop(self):
        self._stopping = True
        with self.changed:
            self.changed.notify_all()
            sockets = [connection for connection, _ in self._connections.values()]
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for connection in sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _accept(self):
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.changed:
                self._count += 1
                number = self._count
                self._connections[number] = (connection, False)
                thread = threading.Thread(target=self._serve, args=(connection, number), daemon=True)
                self._threads.append(thread)
            thread.start()

    def _serve(self, connection, number):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = connection
        try:
            if self._tls_context:
                stream = self._tls_context.wrap_socket(connection, server_side=True)
                with self.changed:
                    if number in self._connections:
                        self._connections[number] = (stream, False)
            reader = stream.makefile("rb")
            while not self._stopping:
                if not self._tls_context or not stream.pending():
                    select.select([stream], [], [])
                if self._reset_wanted(stream):
                    return
                first = reader.readline(65536)
                if not first:
                    return
                self._set_busy(number, stream, True)
                request = self._read(reader, first, number)
                with self.changed:
                    self.requests.append(request)
                    fault = self._faults.popleft() if self._faults else None
                    self.changed.notify_all()
                    if self._hold:
                        self._hold._wait()
                answer = fault
                if isinstance(fault, type) and issubclass(fault, Drop):
                    raise Drop
                if callable(fault):
                    answer = fault(request)
                if answer is None:
                    answer = self.handle(request)
                if answer is None:
                    return
                stream.sendall(self._head(answer) + self._body(answer))
                self._answered(request, answer)
                # The request that follows may be there already; until then the connection is idle.
                self._set_busy(number, stream, False)
                if answer.close:
                    return
        except (Drop, OSError, ValueError):
            pass
        finally:
            with self.changed:
                self._connections.pop(number, None)
                self.changed.notify_all()
            for one in {id(stream): stream, id(connection): connection}.values():
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                one.close()

    def _answered(self, request, answer):
        """Called when the answer's last byte has been handed to the system."""

    def _set_busy(self, number, stream, busy):
        with self.changed:
            if number in self._connections:
                self._connections[number] = (stream, busy)
                self.changed.notify_all()

    def _reset_wanted(self, stream):
        with self.changed:
            if not self._resets:
                return False
            if not self._tls_context and not stream.recv(1, socket.MSG_PEEK):
                return False
            self._resets -= 1
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
        return True

    def _read(self, reader, first, number):
        method, target, version = first.decode("latin-1").rstrip("\r\n").split(" ")
        if version != "HTTP/1.1":
            self.complaints.append(f"version {version}")
        headers = []
        while (line := reader.readline(65536)) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").rstrip("\r\n").partition(":")
            headers.append((name, value.strip()))
        fields = {name.lower(): value for name, value in headers}
        if len(fields) != len(headers):
            self.complaints.append(f"a repeated header field in {first!r}")
        if "host" not in fields:
            self.complaints.append(f"no Host in {first!r}")
        if "transfer-encoding" in fields:
            self.complaints.append(f"Transfer-Encoding in {first!r}")
        length = int(fields.get("content-length", "0"))
        if method in ("POST", "PUT") and "content-length" not in fields:
            self.complaints.append(f"no Content-Length in {first!r}")
        body = reader.read(length) if length else b""
        if len(body) != length:
            raise OSError("the request ended early")
        return Request(method, target, headers, body, number, time.monotonic())

    @staticmethod
    def _head(answer):
        lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        lines.append("Transfer-Encoding: chunked" if answer.chunked else f"Content-Length: {len(answer.body)}")
        lines.append("Connection: close" if answer.close else "Connection: keep-alive")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    @staticmethod
    def _body(answer):
        if not answer.chunked:
            return answer.body
        pieces = []
        size = max(1, len(answer.body) // 3)
        for start in range(0, len(answer.body), size):
            piece = answer.body[start:start + size]
            pieces.append(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        return b"".join(pieces) + b"0\r\n\r\n"
