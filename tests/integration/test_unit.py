"""deploy/systemd: the unit by systemd's own judgement, its user and folders, and the service under its restrictions."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile

import pytest
import unit_sandbox
from notify_socket import NotifySocket
from raw_s3 import request
from relays import ScriptedRelay
from s3link_harness import BINARY, REPOSITORY, Certificate, clean_environment, pattern_bytes, wait_until
from unit_sandbox import UNIT, SandboxedServer, UnitSandbox, directives

DEPLOY = REPOSITORY / "deploy" / "systemd"
MOST_EXPOSURE = 2.0
UID = 61234  # nobody's: of the range that systemd gives to users that do not last


def run(*command, **options):
    return subprocess.run([str(word) for word in command], env=clean_environment() | options.pop("environment", {}),
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, **options)


@pytest.fixture
def tree():
    """What deploy/systemd/install makes below DESTDIR."""
    # Below /tmp itself: pytest's folders are closed to the service's user.
    with tempfile.TemporaryDirectory(prefix="s3link-unit-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        (folder / "tree").mkdir()
        done = run(DEPLOY / "install", BINARY, environment={"DESTDIR": str(folder / "tree")})
        assert done.returncode == 0, done.stderr
        yield folder / "tree"


# -- what systemd says of it --------------------------------------------------------------------------------------------


def test_exposure_is_low():
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
    exposure = float(re.search(r"Overall exposure level for s3link.service: ([0-9.]+)", done.stdout).group(1))
    assert exposure <= MOST_EXPOSURE, done.stdout
    assert run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSURE * 10:.0f}",
               UNIT).returncode == 0


def test_unit_and_drop_in_are_correct(tmp_path):
    """With the program at the place where it was built, for it is not installed here."""
    unit = tmp_path / "s3link.service"
    unit.write_text(UNIT.read_text().replace("ExecStart=/usr/bin/s3link ", f"ExecStart={BINARY} "))
    (tmp_path / "s3link.service.d").mkdir()
    drop_in = (DEPLOY / "s3link.service.d" / "credentials.conf").read_text()
    (tmp_path / "s3link.service.d" / "credentials.conf").write_text(drop_in)
    done = run("systemd-analyze", "verify", "--man=no", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    unit.write_text(unit.read_text().replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"))
    assert "NoNewPrivilege" in run("systemd-analyze", "verify", "--man=no", unit).stderr, "it does look"


def test_credentials_of_the_drop_in_are_settings():
    text = (DEPLOY / "s3link.service.d" / "credentials.conf").read_text()
    names = run(BINARY, "config", "init").stdout
    for variable, credential in re.findall(r"^Environment=S3LINK_(\w+)=%d/(\S+)$", text, re.MULTILINE):
        section, _, name = variable.lower().partition("_")
        assert re.search(rf"^#{name} = ", names, re.MULTILINE) and f"[{section}]" in names
        assert f"LoadCredential={credential}:/etc/s3link/{credential}" in text


def test_the_stop_is_given_more_time_than_the_server_takes():
    service = directives()
    (stop,), (watchdog,) = service["TimeoutStopSec"], service["WatchdogSec"]
    assert stop == watchdog == "1min", "10 s of grace, 10 s to break off, 2 s for traces, and the database"


def test_user_and_folders_are_made(tree):
    if os.geteuid() != 0:
        pytest.skip("owners can only be set by root")
    for command in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        done = run(*command, f"--root={tree}", "s3link.conf")
        assert done.returncode == 0, done.stderr
    fields = next(line for line in (tree / "etc" / "passwd").read_text().splitlines() if line.startswith("s3link:")).split(":")
    assert fields[5] == "/var/lib/s3link" and fields[6].endswith("/nologin")
    uid, gid = int(fields[2]), int(fields[3])
    assert uid != 0

    def mode(path):
        status = (tree / path).stat()
        return f"{status.st_mode & 0o7777:o} {status.st_uid} {status.st_gid}"

    assert mode("var/lib/s3link") == f"700 {uid} {gid}"
    assert mode("etc/s3link") == f"750 0 {gid}"
    assert mode("etc/s3link/s3link.toml") == f"640 0 {gid}"


def test_installing_again_keeps_the_configuration(tree):
    config = tree / "etc" / "s3link" / "s3link.toml"
    assert 'data_dir = "/var/lib/s3link"' in config.read_text()
    assert run(BINARY, "config", "check", "--config", config).returncode == 0
    config.write_text("# mine\n")
    (tree / "usr" / "bin" / "s3link").write_text("old")
    assert run(DEPLOY / "install", BINARY, environment={"DESTDIR": str(tree)}).returncode == 0
    assert config.read_text() == "# mine\n"
    assert (tree / "usr" / "bin" / "s3link").stat().st_size == BINARY.stat().st_size
    missing = run(DEPLOY / "install", tree / "nothing", environment={"DESTDIR": str(tree)})
    assert missing.returncode == 1 and "nothing is not there" in missing.stderr


# -- under its restrictions ---------------------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tree):
    reason = unit_sandbox.unavailable()
    if reason:
        pytest.skip(reason)
    with UnitSandbox(tree.parent / "sandbox", tree, UID) as made:
        yield made


PROBE = r"""
import errno, json, mmap, os, socket, subprocess

def outcome(work):
    try:
        work()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def write(path):
    return outcome(lambda: open(path, "w").close())

status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print(json.dumps({
    "ids": [os.getresuid(), os.getresgid(), os.getgroups()],
    "capabilities": [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no new privileges": status["NoNewPrivs"].strip(), "filter": status["Seccomp"].strip(),
    "written": {path: write(path) for path in (
        "/x", "/etc/x", "/usr/x", "/usr/bin/s3link", "/etc/s3link/x", "/run/x", "/var/x", "/dev/x", "/sys/x",
        "/var/lib/s3link/x", "/tmp/x", "/var/tmp/x")},
    "tmp": sorted(os.listdir("/tmp")), "home": outcome(lambda: os.listdir("/home")),
    "devices": sorted(os.listdir("/dev")),
    "others": [name for name in os.listdir("/proc") if name.isdigit() and int(name) not in (os.getpid(), os.getppid())],
    "kernel": os.path.exists("/proc/sys"),
    "netlink": outcome(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
    "internet": outcome(lambda: socket.socket(socket.AF_INET).bind(("127.0.0.1", 0))),
    "executable memory": outcome(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)),
    "set-user-id": outcome(lambda: os.chmod("/var/lib/s3link/x", 0o4755)),
    "owner": outcome(lambda: os.chown("/var/lib/s3link/x", 0, 0)),
    "nice": outcome(lambda: os.nice(5)), "chroot": outcome(lambda: os.chroot("/tmp")),
    "namespace": subprocess.run(["/host-programs/unshare", "--user", "true"], capture_output=True, text=True).stderr,
    "mask": os.umask(0),
}))
"""


def test_the_restrictions_hold(sandbox, tree):
    """The sandbox has teeth: what the next tests prove is worth as much as this."""
    (pathlib.Path("/tmp") / tree.parent.name).stat()  # there is something in /tmp that must not be seen
    done = run(*sandbox.command("/host-programs/python3", "-c", PROBE))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ids"] == [[UID] * 3, [UID] * 3, []]
    assert set(found["capabilities"]) == {"0000000000000000"}
    assert found["no new privileges"] == "1" and found["filter"] == "2"
    writable = {path for path, outcome in found["written"].items() if outcome == "done"}
    assert writable == {"/var/lib/s3link/x", "/tmp/x", "/var/tmp/x"}, found["written"]
    assert set(found["written"].values()) <= {"done", "EROFS", "EACCES"}
    assert found["tmp"] == ["x"] and found["home"] == "EACCES"
    assert found["devices"] == ["full", "null", "random", "shm", "tty", "urandom", "zero"]
    assert found["others"] == [] and not found["kernel"]
    assert found["netlink"] == "EAFNOSUPPORT" and found["internet"] == "done"
    for name in ("executable memory", "set-user-id", "owner", "nice", "chroot"):
        assert found[name] == "EPERM", name
    assert "Operation not permitted" in found["namespace"]
    assert found["mask"] == 0o077


def configure(sandbox, text):
    file = sandbox.configuration / "s3link.toml"
    file.write_text(text)
    os.chown(file, 0, sandbox.uid)
    file.chmod(0o640)


@pytest.fixture
def start(sandbox, tmp_path):
    servers = []

    def make(**options):
        servers.append(SandboxedServer(sandbox, log_folder=tmp_path, **options))
        return servers[-1].start()

    yield make
    for server in servers:
        server.stop()


def test_uploads_and_mails_as_files(sandbox, start):
    configure(sandbox, '[server]\nlisten = "127.0.0.1:0"\n[alarm]\nemail = "admin@example.test"\n'
                       '[email]\ntemplate_dir = "/etc/s3link/templates"\n')
    templates = sandbox.configuration / "templates"
    templates.mkdir(mode=0o755)
    with NotifySocket(sandbox.folder / "notify", abstract=True) as manager:
        server = start(environment={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000000"})
        manager.wait("READY")
        content = pattern_bytes(3_000_000)
        assert request(server, "PUT", "/file-exchange/large.bin", content).status == 200
        assert server.fetch(server.wait_mails(1)[0].link).body == content
        assert request(server, "PUT", "/file-exchange/small.txt", b"small").status == 200
        assert {mail.path.stat().st_uid for mail in server.wait_mails(2)} == {UID}

        (templates / "subject.txt").write_text("Changed: {{FILE_NAME}}")
        (templates / "subject.txt").chmod(0o644)
        configure(sandbox, (sandbox.configuration / "s3link.toml").read_text() + '[log]\nlevel = "debug"\n')
        server.process.send_signal(signal.SIGHUP)
        manager.wait("READY", more_than=1)
        third = request(server, "PUT", "/file-exchange/third", b"3")
        wait_until(lambda: third.headers["x-amz-request-id"] in server.log(), what="its line")
        assert "Changed: third" in [mail.subject for mail in server.wait_mails(3)]
        assert request(server, "DELETE", "/file-exchange/large.bin").status == 204
        wait_until(lambda: server.object_files() == [], 10, "the removal of the file")
        manager.wait("WATCHDOG", more_than=manager.count("WATCHDOG"))
        server.stop()
        assert manager.received[-1]["STOPPING"] == "1"
        assert '"level":"error"' not in server.log() and '"level":"warning"' not in server.log()


def test_uploads_and_mails_through_a_relay_with_tls(sandbox, start):
    certificate = Certificate(sandbox.configuration / "tls")
    for path in (sandbox.configuration / "tls").iterdir():
        os.chown(path, 0, sandbox.uid)
        path.chmod(0o640)
    with ScriptedRelay() as relay:
        configure(sandbox, '[server]\nlisten = "127.0.0.1:0"\ntls_certificate = "/etc/s3link/tls/cert.pem"\n'
                           'tls_key = "/etc/s3link/tls/key.pem"\n'
                           f'[email]\nrecipient = "{relay.address("you")}"\ntransport = "smtp://127.0.0.1:{relay.port}"\n')
        server = start(certificate=certificate)
        content = pattern_bytes(200_000)
        assert request(server, "PUT", "/file-exchange/a.bin", content).status == 200
        (mail,) = wait_until(relay.mails, 30, "the mail")
        assert server.fetch(mail.link).body == content
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "TLS certificate read again" in server.log(), what="the reload")
        assert server.get("/_/readyz").status == 200
        assert [row["state"] for row in server.deliveries()] == ["delivered"]
