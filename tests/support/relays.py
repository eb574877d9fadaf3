"""Mail relays for tests: a real Postfix of our own, smtp-sink for failures on demand, aiosmtpd for replies by recipient.

Every relay listens on 127.0.0.1 and `port`, and may be stopped and started again on the same port. Daemons inherit no
descriptor above 2. All of it is safe under pytest-xdist: nothing is shared, no default directory is touched.
"""

import asyncio
import base64
import contextlib
import os
import pathlib
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

from s3link_harness import LinkMail, clean_environment, free_port, wait_until

DOMAIN = "example.test"
POSTFIX = shutil.which("postfix", path="/usr/sbin:/usr/bin")
SMTP_SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin")


def postfix_unavailable():
    """Why no Postfix can be started here, or None."""
    if not POSTFIX:
        return "Postfix is not installed"
    if os.geteuid() != 0:
        return "Postfix can only be started by root"
    return None


def _answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.settimeout(5)
            return connection.recv(4).startswith(b"220")
    except OSError:
        return False


class PostfixRelay:
    """A Postfix with its own configuration, queue and mailboxes (one maildir for each of `users` at example.test).

    Needs root: Postfix changes to its own users. `certificate`: offers STARTTLS and takes mail only over it. `settings`: more lines
    of main.cf.
    """

    def __init__(self, users=("you",), certificate=None, port=None, settings=None):
        more = settings or {}
        self.port = port or free_port()
        self.users = users
        # Postfix's users must be able to walk to their files, so not below pytest's private folders.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="s3link-postfix-"))
        self.folder.chmod(0o755)
        self.process = None
        nobody = pwd.getpwnam("nobody")
        for name in ("config", "queue", "data", "mail"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        os.chown(self.folder / "mail", nobody.pw_uid, nobody.pw_gid)
        settings = {
            "compatibility_level": "3.6", "queue_directory": self.folder / "queue",
            "data_directory": self.folder / "data", "command_directory": "/usr/sbin",
            "daemon_directory": "/usr/lib/postfix/sbin", "mail_owner": "postfix", "setgid_group": "postdrop",
            "maillog_file": self.folder / "log", "maillog_file_prefixes": self.folder.parent,
            "myhostname": "relay.example.test", "mydestination": "", "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8", "alias_maps": "", "local_recipient_maps": "",
            "virtual_mailbox_domains": DOMAIN, "virtual_mailbox_base": self.folder / "mail",
            "virtual_mailbox_maps": f"texthash:{self.folder}/config/mailboxes",
            "virtual_uid_maps": f"static:{nobody.pw_uid}", "virtual_gid_maps": f"static:{nobody.pw_gid}",
            "virtual_minimum_uid": "100", "smtpd_relay_restrictions": "reject_unauth_destination",
            "smtpd_peername_lookup": "no", "default_database_type": "texthash",
        }
        if certificate:
            settings |= {"smtpd_tls_cert_file": certificate.certificate, "smtpd_tls_key_file": certificate.key,
                         "smtpd_tls_security_level": "encrypt"}
        settings |= more
        config = self.folder / "config"
        (config / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        services = [f"{self.port} inet n - n - - smtpd", "postlog unix-dgram n - n - 1 postlogd"]
        services += [f"{name} unix {rest}" for name, rest in (
            ("pickup", "n - n 60 1 pickup"), ("cleanup", "n - n - 0 cleanup"), ("qmgr", "n - n 300 1 qmgr"),
            ("rewrite", "- - n - - trivial-rewrite"), ("bounce", "- - n - 0 bounce"), ("defer", "- - n - 0 bounce"),
            ("trace", "- - n - 0 bounce"), ("verify", "- - n - 1 verify"), ("proxymap", "- - n - - proxymap"),
            ("error", "- - n - - error"), ("retry", "- - n - - error"), ("virtual", "- n n - - virtual"),
            ("anvil", "- - n - 1 anvil"), ("tlsmgr", "- - n 1000? 1 tlsmgr"), ("smtp", "- - n - - smtp"))]
        (config / "master.cf").write_text("\n".join(services) + "\n")
        (config / "mailboxes").write_text("".join(f"{user}@{DOMAIN} {user}/\n" for user in users))

    def address(self, user):
        return f"{user}@{DOMAIN}"

    def start(self):
        if (self.folder / "queue" / "active").is_dir():
            (self.folder / "queue" / "quick-start").touch()  # once checked is enough
        self.process = subprocess.Popen(
            [POSTFIX, "-c", self.folder / "config", "start-fg"], env=clean_environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=True, start_new_session=True)
        wait_until(lambda: _answers(self.port), 30, f"Postfix on port {self.port}\n{self.log()}", interval=0.1)
        return self

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "log").read_text()
        return ""

    def mails(self, user="you"):
        """What lies in a user's mailbox, oldest first."""
        files = sorted((self.folder / "mail" / user / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [LinkMail.parse(path.read_bytes(), path) for path in files]

    def stop(self):
        if self.process is None:
            return
        subprocess.run([POSTFIX, "-c", self.folder / "config", "stop"], env=clean_environment(), check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
        self.process.wait(30)
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class SmtpSink:
    """Postfix's test server. It takes every mail, or fails as its options say ("-r", "RCPT": 4yz to every RCPT)."""

    def __init__(self, *options, port=None):
        self.port = port or free_port()
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="s3link-sink-"))
        self.folder.chmod(0o777)
        self.process = None

    def start(self):
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [SMTP_SINK, *user, "-d", self.folder / "mail.", *self.options, f"127.0.0.1:{self.port}", "100"],
            env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            close_fds=True)
        wait_until(lambda: self._listening() or self.process.poll() is not None, 15, f"smtp-sink on port {self.port}")
        assert self.process.poll() is None, f"smtp-sink ended with {self.process.returncode}"
        return self

    def _listening(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        return False

    def mails(self):
        """The mails taken so far. A dump begins with lines about the session and ends when the mail is complete."""
        found = []
        for path in sorted(self.folder.glob("mail.*"), key=lambda path: path.stat().st_mtime_ns):
            mail = LinkMail.parse(path.read_bytes(), path)
            if mail.message["Message-ID"] and mail.message.get_body(("html",)) is not None:
                found.append(mail)
        return found

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(15)
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class ScriptedRelay:
    """aiosmtpd in this process: answers by recipient, and stands in where Postfix cannot be started.

    `replies`: recipient -> reply to its RCPT, such as "550 5.1.1 no such user"; None: no reply until it is told. `account`: (user, password) that must
    log in. `certificate`: offers STARTTLS and takes mail only over it. `keeps_silent(mail)`: takes that mail, and hangs up in
    place of the answer.
    """

    def __init__(self, users=("you",), certificate=None, port=None, replies=None, account=None, keeps_silent=None):
        self.port = port or free_port()
        self.users, self.certificate, self.replies, self.account = users, certificate, replies or {}, account
        self.keeps_silent = keeps_silent or (lambda mail: False)
        self.controller = None
        self.taken = []  # (recipient, LinkMail)
        self.silent = set()  # places in `taken` of those that it took without an answer
        self.sessions = set()  # under way

    def address(self, user):
        return f"{user}@{DOMAIN}"

    async def handle_RCPT(self, server, session, envelope, address, options):
        while self.replies.get(address, "") is None:
            await asyncio.sleep(0.1)
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        mail = LinkMail.parse(envelope.original_content)
        silent = self.keeps_silent(mail)
        for recipient in envelope.rcpt_tos:
            if silent:
                self.silent.add(len(self.taken))
            self.taken.append((recipient, mail))
        if silent:
            server.transport.abort()
            await asyncio.Event().wait()  # until the session's end cancels this
        return f"250 2.0.0 Ok: queued as SCRIPTED{len(self.taken)}"

    def _authenticate(self, server, session, envelope, mechanism, data):
        from aiosmtpd.smtp import AuthResult

        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.account, handled=given == self.account)

    def start(self):
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import SMTP

        sessions = self.sessions

        class Session(SMTP):
            def connection_made(self, transport):
                sessions.add(self)
                super().connection_made(transport)

            def connection_lost(self, error):
                super().connection_lost(error)
                sessions.discard(self)

        class SessionController(Controller):
            def factory(self):
                return Session(self.handler, **self.SMTP_kwargs)

        options = {}
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate.certificate, self.certificate.key)
            options |= {"tls_context": context, "require_starttls": True}
        if self.account:
            options |= {"authenticator": self._authenticate, "auth_required": True,
                        "auth_require_tls": bool(self.certificate)}
        self.controller = SessionController(self, hostname="127.0.0.1", port=self.port, **options)
        self.controller.start()
        return self

    def mails(self, user="you"):
        return [mail for recipient, mail in list(self.taken) if recipient == self.address(user)]

    def log(self):
        return ""

    def stop(self):
        if self.controller is not None:
            self.controller.stop()
            self.controller = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class MisbehavingRelay:
    """A relay that breaks the protocol: `misdeeds` are (verb, what) for the first connections, one each; "." is the end of
    the message, "CONNECT" the greeting. `what`: STALL (nothing more, until stop()), CLOSE, or the bytes to answer.
    Connections after them are served as they should be. `users`: none needed, every recipient is taken.
    """

    STALL, CLOSE = object(), object()

    def __init__(self, misdeeds=(), port=0):
        self.misdeeds = list(misdeeds)
        self.taken = []  # (recipient, LinkMail)
        self.stopped = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.connections = []
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self):
        while not self.stopped.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            misdeed = self.misdeeds.pop(0) if self.misdeeds else (None, None)
            threading.Thread(target=self._serve, args=(connection, *misdeed), daemon=True).start()

    def _serve(self, connection, at, what):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            def answer(verb, usual):
                if verb != at:
                    connection.sendall(usual + b"\r\n")
                elif what is self.STALL:
                    self.stopped.wait(300)
                    raise OSError
                elif what is self.CLOSE:
                    raise OSError
                else:
                    connection.sendall(what)

            recipients = []
            answer("CONNECT", b"220 relay.test ESMTP")
            for line in lines:
                verb = line.split(b" ")[0].strip().upper().decode(errors="replace").split(":")[0]
                if verb == "RCPT":
                    recipients.append(re.search(rb"<([^>]*)>", line).group(1).decode())
                answer(verb, {"DATA": b"354 go on", "QUIT": b"221 bye"}.get(verb, b"250 ok"))
                if verb == "QUIT":
                    return
                if verb == "DATA":
                    message = b"".join(iter(lines.readline, b".\r\n"))
                    answer(".", b"250 2.0.0 Ok: queued")
                    if at != ".":
                        self.taken += [(recipient, LinkMail.parse(message)) for recipient in recipients]
                    recipients = []

    def mails(self):
        return [mail for _, mail in list(self.taken)]

    @staticmethod
    def hang_up(connection):
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.stopped.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            self.hang_up(connection)
        self.thread.join(10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class LoginRelay:
    """A relay that lets in who logs in by one of `mechanisms` (in the order it offers them; those that it cannot do, like
    GSSAPI, are offered and refused). `secrets`: the passwords or tokens it takes now. `verdict(message)`: its answer to a
    message's end, None for the usual one.
    """

    def __init__(self, mechanisms="PLAIN LOGIN", user="files@example.test", secrets=("right",), verdict=None):
        self.mechanisms, self.user, self.secrets, self.verdict = mechanisms, user, set(secrets), verdict
        self.logins = []  # (mechanism, secret, let in)
        self.taken = []  # (envelope sender, LinkMail)
        self.greetings = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = []
        self.thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def transport(self):
        return f"smtp://{self.user.replace('@', '%40')}@127.0.0.1:{self.port}?starttls=never"

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _secret(self, mechanism, response, ask):
        """What the client logs in with as (user, secret)."""
        if mechanism == "LOGIN":
            user = ask("VXNlcm5hbWU6")
            return user.decode(), ask("UGFzc3dvcmQ6").decode()
        given = base64.b64decode(response) if response else ask("")
        if mechanism == "PLAIN":
            _, user, secret = given.split(b"\0")
            return user.decode(), secret.decode()
        user, bearer = re.fullmatch(rb"user=(.*)\x01auth=Bearer (.*)\x01\x01", given).groups()
        return user.decode(), bearer.decode()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            def say(text):
                connection.sendall(text.encode() + b"\r\n")

            def ask(challenge):
                say(f"334 {challenge}")
                return base64.b64decode(lines.readline().strip())

            let_in, sender = False, ""
            say("220 relay.test ESMTP")
            for line in lines:
                verb, _, rest = line.decode().strip().partition(" ")
                if verb == "EHLO":
                    self.greetings.append(rest)
                    say(f"250-relay.test\r\n250 AUTH {self.mechanisms}")
                elif verb == "AUTH":
                    mechanism, _, response = rest.partition(" ")
                    if mechanism not in ("PLAIN", "LOGIN", "XOAUTH2"):
                        say("504 5.5.4 unrecognized authentication type")
                        continue
                    user, secret = self._secret(mechanism, response, ask)
                    let_in = user == self.user and secret in self.secrets
                    self.logins.append((mechanism, secret, let_in))
                    if not let_in and mechanism == "XOAUTH2":
                        ask(base64.b64encode(b'{"status":"400","schemes":"Bearer"}').decode())
                    say("235 2.7.0 welcome" if let_in else "535 5.7.8 authentication failed")
                elif verb == "MAIL" and not let_in:
                    say("530 5.7.0 authentication required")
                elif verb == "DATA":
                    say("354 go on")
                    message = b"".join(iter(lines.readline, b".\r\n"))
                    answer = self.verdict(message) if self.verdict else None
                    if answer is None:
                        self.taken.append((sender, LinkMail.parse(message)))
                    say(answer or "250 2.0.0 Ok: queued")
                elif verb == "QUIT":
                    say("221 2.0.0 bye")
                    return
                else:
                    if verb == "MAIL":
                        sender = re.search("<([^>]*)>", rest).group(1)
                    say("250 2.1.0 ok")

    def mails(self):
        return [mail for _, mail in list(self.taken)]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            MisbehavingRelay.hang_up(connection)
        self.thread.join(10)
