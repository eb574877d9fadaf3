"""Relays that take only so much, as large providers do: so many connections at a time, so many mails a second. And the real
ones: Exim with `ratelimit`, postgrey in front of Postfix, both unpacked from their Debian packages."""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from s3link_harness import LinkMail, clean_environment, free_port, wait_until
from unpacked import folder_of


def unpacked(package, path):
    """A file of a package that ./test unpacks, or None."""
    file = folder_of(package) / path
    return file if file.exists() else None


class LimitedRelay:
    """Takes mail on at most `connections` at a time (the next are greeted with `busy`), and one mail each `interval`
    seconds (the others are answered with `throttled` after the final dot). `opened`: connections that were greeted with
    220, `refused`: those that were not; `throttles`: mails that were not taken."""

    def __init__(self, connections=1000, busy=b"421 4.3.2 Concurrent connections limit exceeded", interval=0.0,
                 throttled=b"454 Throttling failure: Maximum sending rate exceeded.", takes=0.0):
        self.connections, self.busy, self.interval, self.throttled, self.takes = connections, busy, interval, throttled, takes
        self.lock = threading.Lock()
        self.open = self.opened = self.refused = self.throttles = 0
        self.last = 0.0
        self.taken = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = []
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            with self.lock:
                admitted = self.open < self.connections
                self.open += admitted
                self.opened += admitted
                self.refused += not admitted
            if not admitted:
                connection.sendall(self.busy + b"\r\n")
                return
            try:
                self._converse(connection)
            finally:
                with self.lock:
                    self.open -= 1

    def _converse(self, connection):
        connection.sendall(b"220 relay.test ESMTP\r\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                verb = line.split(b" ")[0].strip().upper()
                connection.sendall({b"DATA": b"354 go on", b"QUIT": b"221 bye"}.get(verb, b"250 ok") + b"\r\n")
                if verb == b"QUIT":
                    return
                if verb == b"DATA":
                    message = b"".join(iter(lines.readline, b".\r\n"))
                    time.sleep(self.takes)  # what it does with a mail takes its time
                    connection.sendall(self._take(message) + b"\r\n")

    def _take(self, message):
        with self.lock:
            now = time.monotonic()
            if now < self.last + self.interval:
                self.throttles += 1
                return self.throttled
            self.last = now
            self.taken.append(LinkMail.parse(message))
            return b"250 2.0.0 Ok: queued"

    def mails(self):
        return list(self.taken)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)


def exim_unavailable():
    """Why no Exim can be started here, or None. It wants a user of its own, which it gets in a namespace of its own."""
    if not unpacked("exim4-daemon-light", "usr/sbin/exim4"):
        return "exim4-daemon-light is not unpacked (./test does it)"
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        return "Exim needs root and a mount namespace"
    return None


class EximRelay:
    """An Exim that defers senders above `rate` ("5 / 1s"), and keeps what it takes in its queue."""

    def __init__(self, rate):
        self.port = free_port()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="s3link-exim-"))
        self.folder.chmod(0o755)
        (self.folder / "spool").mkdir()
        (self.folder / "log").mkdir()
        (self.folder / "passwd").write_text(
            pathlib.Path("/etc/passwd").read_text() + "Debian-exim:x:64998:64998::/nonexistent:/usr/sbin/nologin\n")
        (self.folder / "group").write_text(pathlib.Path("/etc/group").read_text() + "Debian-exim:x:64998:\n")
        for name in ("spool", "log"):
            os.chown(self.folder / name, 64998, 64998)
        (self.folder / "exim.conf").write_text(f"""\
primary_hostname = relay.example.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port}
spool_directory = {self.folder}/spool
log_file_path = {self.folder}/log/%slog
pid_file_path = {self.folder}/spool/exim.pid
host_lookup =
rfc1413_query_timeout = 0s
queue_only = true
acl_smtp_rcpt = rcpt
keep_environment =
begin acl
rcpt:
  defer message = Sender rate limit exceeded, $sender_rate in $sender_rate_period
        ratelimit = {rate} / per_mail
  accept
begin routers
all:
  driver = accept
  transport = drop
begin transports
drop:
  driver = appendfile
  file = /dev/null
""")
        self.process = None

    def _log(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "log" / "mainlog").read_text()
        return ""

    def message_ids(self):
        """Of the mails it took, in their order."""
        return re.findall(r"^.* <= .* id=(\S+)", self._log(), re.MULTILINE)

    def deferred(self):
        return self._log().count("Sender rate limit exceeded")

    def connections(self):
        return self._log().count("SMTP connection from")

    def __enter__(self):
        binary = unpacked("exim4-daemon-light", "usr/sbin/exim4")
        script = ('mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group && '
                  'exec "$1" -C "$0/exim.conf" -bdf')
        self.process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", script, str(self.folder), str(binary)], env=clean_environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(self.folder / "stderr").open("wb"), close_fds=True)

        def answers():
            assert self.process.poll() is None, (self.folder / "stderr").read_text() + self._log()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return connection.recv(4).startswith(b"220")
            return False

        wait_until(answers, 30, "Exim", interval=0.1)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(15)
        shutil.rmtree(self.folder, ignore_errors=True)


def postgrey_unavailable():
    """Why no postgrey can be started here, or None."""
    program = unpacked("postgrey", "usr/sbin/postgrey")
    if not program:
        return "postgrey is not unpacked (./test does it)"
    checked = subprocess.run(["perl", "-cT", program], capture_output=True, text=True, check=False)
    return None if checked.returncode == 0 else f"postgrey's modules are not installed: {checked.stderr[:200]}"


class Postgrey:
    """A greylisting policy server for Postfix: `delay` seconds must pass before a second attempt is taken."""

    def __init__(self, delay):
        self.port = free_port()
        self.delay = delay
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="s3link-postgrey-"))
        self.folder.chmod(0o777)
        self.process = None

    def restriction(self):
        return f"check_policy_service inet:127.0.0.1:{self.port}"

    def __enter__(self):
        for name in ("clients", "recipients"):
            (self.folder / name).touch()
        owner = ["--user=nobody", "--group=nogroup"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            ["perl", "-T", unpacked("postgrey", "usr/sbin/postgrey"), f"--inet=127.0.0.1:{self.port}", *owner,
             f"--dbdir={self.folder}", f"--delay={self.delay}", f"--whitelist-clients={self.folder}/clients",
             f"--whitelist-recipients={self.folder}/recipients"],
            env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=(self.folder / "stderr").open("wb"), close_fds=True)

        def listens():
            assert self.process.poll() is None, (self.folder / "stderr").read_text()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return True
            return False

        wait_until(listens, 30, "postgrey", interval=0.1)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(15)
        shutil.rmtree(self.folder, ignore_errors=True)
