"""Every command block of the README and the documents works as it is printed, on Debian 12, or says why it is not run.

A block is found by its file and its first line. One that is new, or whose first line has changed, fails until it is in
BLOCKS. Blocks are run by bash, line by line, in a sandbox with a server; what is printed for an installed service is led
there (PLACES), and what only root or systemd can do is done by stand-ins that do the same to the server of the sandbox.
"""

import dataclasses
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

import pytest

from s3link_harness import BINARY, BUCKET, Server, clean_environment, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")),
             *sorted((ROOT / "bench").rglob("README.md"))]

# Why a block is not run here.
NO_COMMAND = "shows no command: a drawing, a layout or a document"
AWS = "needs an AWS account; tests/templates and tests/lambda run the scripts against stand-ins"
BUILDS = "builds and tests the whole tree, as every ./test does"
CLONE = "clones the repository and starts ./run, as its reader's first step"
MEASURES = "measures for minutes to hours"
PROXY = "is run by test_reverse_proxy.py"
FUZZES = "builds with libFuzzer and runs until it is stopped; ./test fuzz replays the corpora"


@dataclasses.dataclass
class Run:
    """A block that is run. `before` prepares its sandbox; `check` looks at what it did; `stays`: it serves until it is
    stopped; `terms` are put in place of its placeholders; `instead` are commands that stand-ins do."""
    before: object = None
    check: object = None
    stays: bool = False
    terms: dict = dataclasses.field(default_factory=dict)
    instead: tuple = ()


def first_line(block):
    return block.splitlines()[0]


def blocks_of(document):
    """(first line number, text) of each block that may hold commands: fenced without a language or as a shell's, and
    indented."""
    lines = document.read_text().splitlines()
    index = 0
    while index < len(lines):
        fence = re.match(r"^(\s*)```(\w*)\s*$", lines[index])
        if fence:
            end = next(i for i in range(index + 1, len(lines)) if re.match(r"^\s*```\s*$", lines[i]))
            if fence.group(2) in ("", "sh", "bash", "console", "shell"):
                yield index + 1, "\n".join(line.removeprefix(fence.group(1)) for line in lines[index + 1:end])
            index = end + 1
        elif lines[index].startswith("    ") and not lines[index - 1].strip():
            end = index
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            yield index + 1, "\n".join(line[4:] for line in lines[index:end]).strip("\n")
            index = end
        else:
            index += 1


# -- the sandbox -------------------------------------------------------------------------------------------------------

STAND_INS = {
    # Root may become anybody; here everything is one user's.
    "sudo": 'if [ "$1" = -u ]; then shift 2; fi\nexec "$@"',
    "sudoedit": 'test -f "$1"',
    "chown": "exit 0",
    "install": 'for last; do :; done\nmkdir -p -m 700 "$last"',
    # The service is the sandbox's server.
    "systemctl": 'case "$1" in\n'
                 '  stop) kill -TERM "$(head -n 1 "$SANDBOX_DATA/lock")"; exec flock "$SANDBOX_DATA/lock" true ;;\n'
                 '  start|enable) test -e "$SANDBOX_DATA/listen" && exit 0\n'
                 '    setsid s3link serve --data-dir "$SANDBOX_DATA" --listen 127.0.0.1:0 >>"$SANDBOX_LOG" 2>&1 </dev/null &\n'
                 '    until test -s "$SANDBOX_DATA/listen"; do kill -0 $! || exit 1; sleep 0.05; done ;;\n'
                 '  edit) exit 0 ;;\n'
                 '  *) exit 1 ;;\nesac',
    # What was logged until now; the reader of a log that is followed stops it.
    "journalctl": 'cat "$SANDBOX_LOG"',
    # Packages must be installed without a question, since xargs gives no terminal to answer it.
    "apt-get": 'case " $* " in *" -y "*) ;; *) echo "asks: Do you want to continue?" >&2; exit 1 ;; esac\n'
               'case " $* " in *" install "*) ;; *) exit 1 ;; esac',
    "rsync": 'mkdir -p "$3" && cp -a "$2." "$3"',
    "cmake": 'test "$1" = --preset',
    "ninja": 'test "$1" = -C',
}


class Sandbox:
    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.endpoint, self.client_environment = server.endpoint, server.client_environment()
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "s3link").symlink_to(BINARY)
        (folder / "build/release").mkdir(parents=True)
        (folder / "build/release/s3link").symlink_to(BINARY)
        (folder / "data").symlink_to(server.data_dir)
        for name in ("scripts", "deploy"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "etc").mkdir()
        (folder / "etc/s3link.toml").write_text(f'[server]\ndata_dir = "{server.data_dir}"\n')
        for name in ("report.pdf", "holiday.mp4"):
            (folder / name).write_bytes(name.encode())
        self.add("sudo")

    def add(self, *names):
        for name in names:
            path = self.bin / name
            path.write_text(f"#!/bin/sh\n{STAND_INS[name]}\n")
            path.chmod(0o755)

    def environment(self):
        return self.client_environment | {
            "PATH": f"{self.bin}:{os.environ['PATH']}", "SANDBOX_DATA": str(self.server.data_dir),
            "SANDBOX_LOG": str(self.server.log_path), "S3LINK_SERVER_DATA_DIR": str(self.server.data_dir),
            "S3LINK_SERVER_LISTEN": "127.0.0.1:0", "HOME": str(self.folder), "S3LINK_LOG_LEVEL": "debug"}

    def place(self, text, terms):
        places = {"http://127.0.0.1:9000": self.endpoint, "/etc/s3link/s3link.toml": self.folder / "etc/s3link.toml",
                  "/mnt/backup/s3link": self.folder / "backup", "/var/lib/s3link": self.server.data_dir,
                  "/safe/place": self.folder / "safe", "/srv/s3link": self.folder / "srv",
                  "https://files.example.org": self.endpoint, **terms}
        for printed, here in places.items():
            text = text.replace(printed, str(here))
        return text

    def run(self, block, how):
        self.add(*how.instead)
        script = self.folder / "block.sh"
        script.write_text("set -eu -o pipefail\nshopt -s expand_aliases\n" + self.place(block, how.terms) + "\n")
        options = {"cwd": self.folder, "env": self.environment(), "stdin": subprocess.DEVNULL, "text": True,
                   "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        if not how.stays:
            done = subprocess.run(["bash", script], timeout=120, **options)
            assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
            return done.stdout
        self.server.stop()
        with subprocess.Popen(["bash", script], start_new_session=True, **options) as process:
            try:
                wait_until(lambda: process.poll() is not None or
                           (self.server.data_dir / "listen").exists(), 60, "the block's server", interval=0.05)
                assert process.poll() is None, process.stderr.read()
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                process.communicate(timeout=30)
        return ""

    def end_server_of_the_block(self):
        """The one that the stand-in for systemctl started."""
        if self.server.process is None or self.server.process.poll() is not None:
            self.server.process = None
            lock = self.server.data_dir / "lock"
            if lock.exists() and subprocess.run(["flock", "-n", lock, "true"], check=False).returncode:
                os.kill(int(lock.read_text()), signal.SIGTERM)
                subprocess.run(["flock", "-w", "30", lock, "true"], check=True)


def put(sandbox, *keys):
    for key in keys:
        sandbox.server.s3().put_object(Bucket=BUCKET, Key=key, Body=b"x")
    sandbox.server.settled()


def make_backup(sandbox):
    """A backup of the folder, and the folder itself gone, as before it is restored."""
    put(sandbox, "a.txt")
    data = sandbox.server.data_dir
    sandbox.server.cli("backup", sandbox.folder / "backup")
    sandbox.server.stop()
    (sandbox.folder / "safe").mkdir()
    for name in ("master.key", "credentials"):
        shutil.copy2(data / name, sandbox.folder / "safe")
    shutil.rmtree(data)


def check_restored(sandbox, _):
    assert {"objects", "s3link.db", "master.key"} <= {path.name for path in sandbox.server.data_dir.iterdir()}
    assert "a.txt" in sandbox.server.cli("ls").stdout


def check_moved(sandbox, _):
    assert (sandbox.folder / "srv/s3link.db").exists()


def check_confirmed(sandbox, _):
    wait_until(lambda: "clock confirmed" in sandbox.server.log(), what="the line in the log")


def has(*texts):
    def check(_, output):
        for text in texts:
            assert text in output, output
    return check


def trace_in_the_log(sandbox):
    put(sandbox, "a.txt")
    wait_until(lambda: "delivery sent" in sandbox.server.log(), what="the line in the log")
    return {"1-67a0b1c2-0123456789abcdef01234567": sandbox.server.deliveries()[0]["trace"]}


SERVICE = ("rsync", "chown", "install", "systemctl", "journalctl", "sudoedit")

# file: {first line of a block: how it is run, or why not}
BLOCKS = {
    "README.md": {
        "git clone … && cd s3link": CLONE,
        "export AWS_ACCESS_KEY_ID=$(sed -n 's/^access_key_id = \"\\(.*\\)\"/\\1/p;T;q' data/credentials)":
            Run(check=has("holiday.mp4", "dead letters", "X-Amz-Signature", "backed up to")),
        "build/release/s3link config init > s3link.toml  # all settings with their meanings": Run(stays=True),
        "deploy/aws/build-lambda arm64": AWS,
    },
    "CONTRIBUTING.md": {
        'sed "s/#.*//" scripts/packages/{build,test}.txt | awk "NF { print \\$1 }" |':
            Run(instead=("apt-get", "cmake", "ninja")),
        "./test                          # everything; ends with `N passed, N failed`": BUILDS,
        "cmake --preset fuzz && ninja -C build/fuzz": FUZZES,
        'sed "s/#.*//" scripts/packages/bench.txt | awk "NF { print \\$1 }" | xargs sudo apt-get install -y '
        '--no-install-recommends': MEASURES,
    },
    "docs/architecture.md": {
        "PUT ─► http_server ─► s3_api ─► sqlite_store: object row + outbox row, one transaction ─► 200": NO_COMMAND,
        "core  ◄─  ports  ◄─  services": NO_COMMAND,
    },
    "docs/aws.md": {
        "upload ─► S3 bucket ─ s3:ObjectCreated:* ─► LinkGenerator (Lambda) ─► SES ─► mail with a presigned link": NO_COMMAND,
        "deploy/aws/deploy --region eu-central-1 --sender files@example.org --recipient ann@example.org,bob@example.org \\": AWS,
        "deploy/aws/deploy --region REGION --mail-stack YOUR-FIRST-STACK --link-stack YOUR-SECOND-STACK": AWS,
        "deploy/aws/redrive --region eu-central-1 list": AWS,
        "aws s3 rm --recursive s3://NAME && aws s3 rm --recursive s3://NAME-access-logs": AWS,
    },
    "docs/operations.md": {
        "./run --build                            # builds, and nothing else":
            Run(instead=SERVICE, terms={"./run --build": "true", "sudo deploy/systemd/install": "true"},
                check=has('"message":"ready"', "dead letters")),
        "journalctl -u s3link -o cat | jq -c 'select(.trace_id == \"1-67a0b1c2-0123456789abcdef01234567\")'":
            Run(before=trace_in_the_log, instead=SERVICE, check=has("delivery sent")),
        "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…":
            Run(terms={"export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…": "unset S3LINK_SERVER_DATA_DIR"},
                check=has("report.pdf ->", "mailed to")),
        "s3link doctor --config /etc/s3link/s3link.toml": Run(check=has("ok       server", "ok       link")),
        "s3link dlq list                     # what was given up, newest first: id, key, recipient, attempts, reason":
            Run(before=lambda sandbox: dead_letters(sandbox), check=has("denied", "redriven 1", "dropped 1")),
        'curl --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" '
        "http://127.0.0.1:9000/_/api/v1/alarms": Run(check=has('"alarms"')),
        "aws --endpoint-url http://127.0.0.1:9000 s3 cp --recursive s3://file-exchange-access-logs/ logs/":
            Run(before=lambda sandbox: put(sandbox, "a.txt")),
        "aws --endpoint-url http://127.0.0.1:9000 s3api put-bucket-lifecycle-configuration --bucket file-exchange \\": Run(),
        "s3link backup /mnt/backup/s3link": Run(before=lambda sandbox: put(sandbox, "a.txt"), check=has("backed up to")),
        "install -d -m 700 -o s3link -g s3link /var/lib/s3link":
            Run(before=make_backup, instead=SERVICE, check=check_restored),
        "systemctl stop s3link && rsync -a /var/lib/s3link/ /srv/s3link/   # or mv; keep owner and modes":
            Run(instead=SERVICE, check=check_moved),
        "systemctl stop s3link && sudo -u s3link s3link key rotate --config /etc/s3link/s3link.toml":
            Run(before=lambda sandbox: put(sandbox, "a.txt"), instead=SERVICE, check=has("new master key")),
        "sudo -u s3link s3link key rotate --access --config /etc/s3link/s3link.toml":
            Run(check=has("taken it over", "good until")),
        "s3link ls                                       # what is there, and when it goes":
            Run(before=lambda sandbox: put(sandbox, "KEY"), check=has("removed KEY")),
        "touch /var/lib/s3link/clock-confirmed           # docker exec …: any way of making that file will do":
            Run(check=check_confirmed),
        "s3link deliveries --state pending               # what waits; what the relay says is in /_/readyz and doctor": Run(),
    },
    "docs/formats/body-file.md": {
        "objects/ab/cd/<abcd…: 32 hexadecimal digits>          mode 0600": NO_COMMAND,
        "0            c      ciphertext, c = 65,536; in the final package 0 to 65,536 (an empty body is one empty package)":
            NO_COMMAND,
        "0    12    nonce, random": NO_COMMAND,
    },
    "docs/formats/otlp.md": {'{"resourceSpans":[{': NO_COMMAND},
    "docs/formats/store.md": {"data_dir/": NO_COMMAND, "DIR/": NO_COMMAND},
    "docs/formats/xray-segment.md": {'{"format":"json","version":1}\\n': NO_COMMAND},
    "bench/lambda/README.md": {
        "deploy/aws/build-lambda x86_64": MEASURES,
        "cmake --preset release -DS3LINK_BENCH=ON && ninja -C build/release presign_bench": MEASURES,
    },
    "bench/scale/README.md": {
        "cmake --preset release -DS3LINK_BENCH=ON && ninja -C build/release s3link s3link-load": MEASURES,
    },
}
# Documents whose blocks are all of one sort.
WHOLE_DOCUMENTS = {"docs/reverse-proxy.md": PROXY}


def dead_letters(sandbox):
    """Two of them. The block names 17 and 18, which are other numbers here."""
    from relays import ScriptedRelay

    server = sandbox.server
    server.stop()
    with ScriptedRelay(replies={"you@localhost": "550 5.1.1 no such user"}) as relay:
        server.environment["S3LINK_EMAIL_TRANSPORT"] = f"smtp://127.0.0.1:{relay.port}"
        server.start()
        put(sandbox, "a.txt", "b.txt")
    second, first = [row["event_id"] for row in server.deliveries("dead")]
    return {"17": first, "18": second}


def found_blocks():
    for document in DOCUMENTS:
        name = str(document.relative_to(ROOT))
        if name not in WHOLE_DOCUMENTS:
            for number, text in blocks_of(document):
                yield name, number, text


def runnable():
    for name, number, text in found_blocks():
        how = BLOCKS.get(name, {}).get(first_line(text))
        if isinstance(how, Run):
            yield pytest.param(text, how, id=f"{name}:{number}")


def test_every_block_is_run_or_says_why_not():
    found = [(name, first_line(text)) for name, _, text in found_blocks()]
    known = {(name, line) for name, blocks in BLOCKS.items() for line in blocks}
    assert [f"{name}: {line}" for name, line in found if (name, line) not in known] == []
    assert sorted(known - set(found)) == [], "not in the documents any more"
    assert len(found) == len(set(found)), "two blocks begin alike"
    for blocks in BLOCKS.values():
        for how in blocks.values():
            assert isinstance(how, Run) or len(how) > 10


@pytest.mark.parametrize("block, how", runnable())
def test_a_block_works_as_printed(make_server, tmp_path, block, how):
    server: Server = make_server()
    (tmp_path / "sandbox").mkdir()
    sandbox = Sandbox(server, tmp_path / "sandbox")
    if how.before:
        how = dataclasses.replace(how, terms=how.terms | (how.before(sandbox) or {}))
    try:
        output = sandbox.run(block, how)
        if how.check:
            how.check(sandbox, output)
    finally:
        sandbox.end_server_of_the_block()
