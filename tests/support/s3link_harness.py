"""Starts the real `s3link serve` for tests, and reads the mails it writes.

Environment: S3LINK_BUILD_DIR, the folder of the binary (default build/release); S3LINK_TEST_LOGS, where every server's
log is kept, with the secrets it must not contain beside it (tests/log_scan reads both; default: the test's own folder).
Safe to use from any number of test processes at a time: every server has its own data folder and a free port.
"""

import base64
import dataclasses
import datetime
import email
import email.policy
import hashlib
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD_DIR = pathlib.Path(os.environ.get("S3LINK_BUILD_DIR", REPOSITORY / "build" / "release"))
BINARY = BUILD_DIR / "s3link"
REGION = "us-east-1"
BUCKET = "file-exchange"

_server_numbers = itertools.count(1)


def wait_until(condition, timeout=15.0, what="the condition", interval=0.02):
    """Calls `condition` until it returns something true, and returns that; fails after `timeout` seconds. `what` is for
    the message: a text, or what returns one."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s for {what() if callable(what) else what}; last: {result!r}")
        time.sleep(interval)


def free_port():
    """A port that was free a moment ago, for programs that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def clean_environment():
    """This process's environment without what would steer an AWS client or s3link, and with Debian's programs first."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("AWS_", "S3LINK_")) and name not in ("PYTHONPATH", "PYTHONHOME")}
    kept["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    kept.setdefault("LANG", "C.UTF-8")
    return kept


@dataclasses.dataclass
class LinkMail:
    """One mail as a recipient gets it."""

    message: email.message.EmailMessage
    path: pathlib.Path = None

    @classmethod
    def parse(cls, raw, path=None):
        return cls(email.message_from_bytes(raw, policy=email.policy.default), path)

    @property
    def text(self):
        return self.message.get_body(("plain",)).get_content()

    @property
    def html(self):
        return self.message.get_body(("html",)).get_content()

    @property
    def link(self):
        """The presigned URL: the only URL that stands alone on a line of the text part."""
        links = re.findall(r"^\s*(https?://\S+)\s*$", self.text, re.MULTILINE)
        assert len(links) == 1, f"expected one link in the text part, found {len(links)}:\n{self.text}"
        return links[0]

    @property
    def recipient(self):
        return self.message["To"].addresses[0].addr_spec

    @property
    def message_id(self):
        return str(self.message["Message-ID"])

    @property
    def subject(self):
        return str(self.message["Subject"])


def read_mails(folder):
    """Every finished .eml file of a folder, oldest first."""
    if not folder.is_dir():
        return []
    files = sorted(folder.glob("*.eml"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    return [LinkMail.parse(path.read_bytes(), path) for path in files]


class Download:
    """What a GET answered: status, headers, body, and the S3 error code where there is one."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def error_code(self):
        found = re.search(rb"<Code>([^<]*)</Code>", self.body)
        return found.group(1).decode() if found else None

    @property
    def file_name(self):
        """The file name a browser would save under: filename* (RFC 8187) before filename."""
        disposition = self.headers["Content-Disposition"]
        extended = re.search(r"filename\*=UTF-8''([^;\s]+)", disposition)
        if extended:
            return urllib.parse.unquote(extended.group(1))
        message = email.message.Message()
        message["Content-Disposition"] = disposition
        return message.get_param("filename", header="content-disposition")


def fetch(url, context=None, method="GET", headers=None, timeout=60):
    """Fetches a URL as a recipient would: no credentials, no cookies, no proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    request = urllib.request.Request(url, method=method, headers=headers or {})
    try:
        with opener.open(request, timeout=timeout) as answer:
            return Download(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Download(error.code, error.headers, error.read())


class Certificate:
    """A self-signed certificate for 127.0.0.1 and localhost; its own CA file."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
             "-keyout", self.key, "-out", self.certificate],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def context(self):
        return ssl.create_default_context(cafile=self.certificate)


class Server:
    """One `s3link serve` on 127.0.0.1 and a free port.

    `settings` are configuration keys ("link.expiration": "2s"), passed as S3LINK_… variables. `secrets` are further texts
    that no log may hold. `wrapper`: a command that becomes the server ("prlimit", "--nofile=1024").
    """

    def __init__(self, data_dir, settings=None, environment=None, certificate=None, secrets=(), name="server",
                 log_folder=None, wrapper=()):
        self.wrapper = wrapper
        self.extra_secrets = set(secrets)
        self.data_dir = pathlib.Path(data_dir)
        self.certificate = certificate
        self.process = None
        self.settings = {"log.level": "debug", **(settings or {})}
        if certificate:
            self.settings["server.tls_certificate"] = str(certificate.certificate)
            self.settings["server.tls_key"] = str(certificate.key)
        self.environment = clean_environment() | {
            "S3LINK_" + key.replace(".", "_").upper(): value for key, value in self.settings.items()
        } | (environment or {})
        self.bucket = self.settings.get("bucket.name", BUCKET)
        self.region = self.settings.get("server.region", REGION)
        logs = pathlib.Path(os.environ.get("S3LINK_TEST_LOGS") or log_folder or self.data_dir.parent)
        logs.mkdir(parents=True, exist_ok=True)
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self.log_path = logs / f"{name}-{worker}-{os.getpid()}-{next(_server_numbers)}.log"

    # -- life -------------------------------------------------------------------------------------------------------

    def start(self, wait=True, log=None):
        """Starts the process; with `wait`, returns when it is ready to take writes. `log`: a descriptor that gets the
        log instead of the file."""
        assert self.process is None, "already started"
        assert BINARY.exists(), f"{BINARY} is not built; run ./test, or set S3LINK_BUILD_DIR"
        (self.data_dir / "listen").unlink(missing_ok=True)
        with open(self.log_path, "ab") as file:
            self.process = subprocess.Popen(
                [*self.wrapper, BINARY, "serve", "--data-dir", self.data_dir, "--listen", "127.0.0.1:0"],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file if log is None else log,
                close_fds=True)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout=20.0):
        def ready():
            assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.log()[-4000:]}"
            if not (self.data_dir / "listen").exists() or not (self.data_dir / "listen").read_text().strip():
                return False
            try:
                return self.get("/_/readyz").status == 200
            except OSError:
                return False

        wait_until(ready, timeout, "/_/readyz", interval=0.01)
        self._keep_secrets()

    def stop(self, timeout=30.0):
        """Stops the server as an operator would (SIGTERM) and checks that it ends well."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not stop within {timeout:g} s:\n{self.log()[-4000:]}") from None
        finally:
            self.process = None
        assert status == 0, f"the server ended with {status}:\n{self.log()[-4000:]}"

    def kill(self):
        """kill -9, as a power cut would end the process."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, kind, value, trace):
        if kind is not None and self.process is not None:
            self.kill()  # keep the first error
        else:
            self.stop()

    # -- what it wrote ----------------------------------------------------------------------------------------------

    def log(self):
        return self.log_path.read_text(errors="replace")

    @property
    def address(self):
        """host:port it listens on."""
        return (self.data_dir / "listen").read_text().strip()

    @property
    def port(self):
        return int(self.address.rpartition(":")[2])

    @property
    def endpoint(self):
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    @property
    def access_key_id(self):
        return self.settings.get("auth.access_key_id") or self._credential("access_key_id")

    @property
    def secret_access_key(self):
        return self.settings.get("auth.secret_access_key") or self._credential("secret_access_key")

    def _credential(self, name):
        text = (self.data_dir / "credentials").read_text()
        found = re.search(rf'^\s*(?:aws_)?{name}\s*=\s*"?([^"\s]+)', text, re.MULTILINE | re.IGNORECASE)
        assert found, f"no {name} in data_dir/credentials"
        return found.group(1)

    def _keep_secrets(self):
        """Notes, beside the logs, what must not appear in any of them."""
        secrets = {self.secret_access_key} | self.extra_secrets
        master_key_file = pathlib.Path(self.settings.get("auth.master_key_file", self.data_dir / "master.key"))
        if master_key_file.exists():
            master_key = master_key_file.read_text().strip()
            secrets |= {master_key, master_key.upper(), base64.b64encode(bytes.fromhex(master_key)).decode()}
        with open(self.log_path.with_suffix(".secrets"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            json.dump(sorted(secrets), file)

    # -- talking to it ----------------------------------------------------------------------------------------------

    def get(self, path, **options):
        """An unsigned GET."""
        return fetch(self.endpoint + path, self.certificate.context if self.certificate else None, **options)

    def fetch(self, url, **options):
        """Follows a mailed link."""
        return fetch(url, self.certificate.context if self.certificate else None, **options)

    def s3(self, **config):
        """A boto3 client that does not retry, so that a test sees the first answer."""
        import boto3
        from botocore.config import Config

        options = {"signature_version": "s3v4", "retries": {"total_max_attempts": 1}, "proxies": {},
                   "s3": {"addressing_style": "path"}, **config}
        return boto3.session.Session().client(
            "s3", endpoint_url=self.endpoint, region_name=self.region, config=Config(**options),
            aws_access_key_id=self.access_key_id, aws_secret_access_key=self.secret_access_key,
            verify=str(self.certificate.certificate) if self.certificate else None)

    def client_environment(self):
        """Environment for S3 clients that read AWS_… variables."""
        environment = clean_environment() | {
            "AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_DEFAULT_REGION": self.region, "AWS_REGION": self.region, "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "",
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "NO_PROXY": "*", "no_proxy": "*",
        }
        if self.certificate:
            for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
                environment[name] = str(self.certificate.certificate)
        return environment

    def cli(self, *arguments, check=True, timeout=60, environment=None):
        """Runs another s3link command against this server, with its credentials from data_dir."""
        extra = {"S3LINK_SERVER_DATA_DIR": str(self.data_dir)}
        if self.certificate:
            extra["SSL_CERT_FILE"] = str(self.certificate.certificate)
        done = subprocess.run([BINARY, *map(str, arguments)], env=self.environment | extra | (environment or {}),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        if check:
            assert done.returncode == 0, f"s3link {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def deliveries(self, state=None, limit=1000):
        """The rows of `s3link deliveries --json`, newest first."""
        arguments = ["deliveries", "--json", "--limit", str(limit)] + (["--state", state] if state else [])
        document = json.loads(self.cli(*arguments).stdout)
        return document["deliveries"] if isinstance(document, dict) else document

    def relay(self):
        """What /_/readyz tells of the relay: state, since, and where it is not open reason and next_probe."""
        return json.loads(self.get("/_/readyz").body)["relay"]

    def mails(self):
        """The mails of the outbox folder."""
        return read_mails(self.data_dir / "outbox")

    def wait_mails(self, count, timeout=30.0):
        """Waits until `count` mails are in the outbox folder; more is an error."""
        mails = wait_until(lambda: (found := self.mails()) and len(found) >= count and found, timeout, f"{count} mails")
        assert len(mails) == count, [mail.subject for mail in mails]
        return mails

    def settled(self, timeout=30.0):
        """Waits until no delivery is pending."""
        wait_until(lambda: not self.deliveries("pending"), timeout, "an empty outbox", interval=0.1)

    def object_files(self):
        """The body files on disk, less the one with which the server tries the disk now and then."""
        return [path for path in (self.data_dir / "objects").rglob("*") if path.name != "probe" and path.is_file()]

    def descriptors(self):
        """What the server has open, less the database: its read connections are made when readers meet, and kept."""
        folder = pathlib.Path(f"/proc/{self.process.pid}/fd")
        targets = []
        for entry in folder.iterdir():
            try:
                targets.append(os.readlink(entry))
            except FileNotFoundError:
                continue  # closed since the folder was read
        return [target for target in targets if not target.startswith(str(self.data_dir.resolve() / "s3link.db"))]

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")


def pattern_bytes(size, seed="s3link"):
    """`size` reproducible bytes without a short period."""
    block = b"".join(hashlib.sha256(f"{seed}/{index}".encode()).digest() for index in range(2048))
    blocks = -(-size // len(block)) if size else 0
    return b"".join(index.to_bytes(8, "big") + block[8:] for index in range(blocks))[:size]


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc)
