"""The command line as its users meet it: what is printed, and what each command ends with."""

import datetime
import json
import os
import pty
import re
import signal
import socket
import stat
import subprocess
import time
import urllib.request

import pytest

from s3link_harness import BINARY, BUCKET, Certificate, clean_environment, pattern_bytes, wait_until
from slow_upload import begin_upload

COMMANDS = ["serve", "send", "presign", "ls", "rm", "deliveries", "config", "config init", "config check", "config show",
            "dlq", "dlq list", "dlq show", "dlq redrive", "dlq drop", "key", "key rotate", "backup", "doctor"]


def run(*arguments, cwd=None, environment=None, **options):
    """Runs s3link without any settings but those given."""
    return subprocess.run([BINARY, *map(str, arguments)], env=clean_environment() | (environment or {}), cwd=cwd,
                          stdin=options.pop("stdin", subprocess.DEVNULL), capture_output=True, text=True, timeout=60,
                          **options)


def assert_refused(done, status, *texts):
    """Ended with that status and one line that names the texts."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("s3link: "), done.stderr
    for text in texts:
        assert text in lines[0]


# -- help and wrong use ------------------------------------------------------------------------------------------------


def test_help_names_every_command_and_gives_examples():
    done = run("--help")
    assert done.returncode == 0 and done.stderr == ""
    for command in COMMANDS:
        assert re.search(rf"^\s+{command.split()[0]}\s", done.stdout, re.MULTILINE), command
    assert "Examples:" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout and done.stderr == ""
    assert re.search(r"^Examples?:", done.stdout, re.MULTILINE)
    assert run("help", *command.split()).stdout == done.stdout


def test_version():
    done = run("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"s3link \d+\.\d+\.\d+\n", done.stdout)
    assert run("version").stdout == done.stdout
    assert run("help").stdout == run("--help").stdout


@pytest.mark.parametrize("arguments, text", [
    ([], "see s3link --help"),
    (["sned"], "did you mean send?"),
    (["frobnicate"], "unknown command frobnicate"),
    (["send"], "files"),
    (["send", "--colour", "x"], "--colour"),
    (["send", "-"], "--key"),
    (["send", "--key", "k", "a", "b"], "--key"),
    (["presign", "k", "--expires", "8d"], "--expires"),
    (["presign", "k", "--expires", "5"], "--expires"),
    (["presign", "k", "--method", "DELETE"], "--method"),
    (["presign", "k" * 1025], "key"),
    (["rm", ""], "key"),
    (["deliveries", "--state", "lost"], "--state"),
    (["deliveries", "--limit", "0"], "--limit"),
    (["deliveries", "--since", "yesterday"], "--since"),
    (["send", "--timeout", "1m", "f"], "--wait"),
    (["send", "--wait", "--timeout", "8d", "/etc/hostname"], "--timeout"),
    (["help", "frobnicate"], "frobnicate"),
    (["config"], "subcommand"),
    (["serve", "extra"], "extra"),
    (["--nonsense"], "--nonsense"),
])
def test_wrong_use_is_one_line_and_status_2(arguments, text):
    assert_refused(run(*arguments), 2, text)


# -- configuration -----------------------------------------------------------------------------------------------------


def test_config_init_is_a_file_that_loads(tmp_path):
    written = run("config", "init")
    assert written.returncode == 0
    (tmp_path / "s3link.toml").write_text(written.stdout)
    assert run("config", "check", "--config", tmp_path / "s3link.toml").returncode == 0
    assert "LinkExpirationPeriod" in written.stdout and "#expiration = \"5h\"" in written.stdout


def test_config_check_and_serve_list_every_problem(tmp_path):
    file = tmp_path / "s3link.toml"
    file.write_text('[server]\nlisten = "nowhere"\nregoin = "x"\n[link]\nexpiration = "9d"\n')
    environment = {"S3LINK_EMAIL_RECIPIENT": "nobody", "S3LINK_CONFIG": str(file)}
    for arguments in (["config", "check"], ["config", "show"], ["serve"]):
        done = run(*arguments, cwd=tmp_path, environment=environment)
        assert done.returncode == 2 and done.stdout == ""
        lines = done.stderr.splitlines()
        assert lines[0] == "s3link: 4 problems in the configuration:"
        assert len(lines) == 5
        for text in (f"{file}:2: server.listen", f"{file}:3: server.regoin: unknown setting; did you mean server.region?",
                     f"{file}:5: link.expiration", "S3LINK_EMAIL_RECIPIENT: email.recipient"):
            assert text in done.stderr
    assert not (tmp_path / "data").exists()
    done = run("ls", cwd=tmp_path, environment=environment)  # which sends no mail
    assert done.returncode == 2 and done.stderr.splitlines()[0] == "s3link: 2 problems in the configuration:"


def test_config_file_that_cannot_be_read(tmp_path):
    done = run("config", "check", "--config", tmp_path / "missing.toml")
    assert done.returncode == 2 and "missing.toml" in done.stderr


def test_config_show_masks_secrets_and_names_sources(tmp_path):
    environment = {"S3LINK_AUTH_ACCESS_KEY_ID": "AKIDFORTEST", "S3LINK_AUTH_SECRET_ACCESS_KEY": "not-to-be-shown"}
    shown = run("config", "show", environment=environment)
    assert shown.returncode == 0
    assert "not-to-be-shown" not in shown.stdout + shown.stderr
    assert "AKIDFORTEST" in shown.stdout and "S3LINK_AUTH_SECRET_ACCESS_KEY" in shown.stdout
    settings = {entry["key"]: entry for entry in json.loads(run("config", "show", "--json").stdout)["settings"]}
    assert settings["bucket.logs_name"] == {"key": "bucket.logs_name", "value": "file-exchange-access-logs",
                                            "source": "default"}
    assert settings["email.recipient"]["value"] == ["you@localhost"]
    assert settings["auth.access_key_id"]["value"] is None


@pytest.mark.parametrize("name, text, complaint", [
    ("body.txt", "{{LINK}} {{COLOUR}}", "COLOUR"),
    ("body.html", "<p>no link</p>", "LINK"),
    ("subject.txt", "{{LINK}}", "subject.txt"),
    ("body.txt", "{{#LINK}", "body.txt"),
])
def test_bad_template_is_refused_at_start(tmp_path, name, text, complaint):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / name).write_text(text)
    for command in (["serve"], ["config", "check"]):
        done = run(*command, cwd=tmp_path, environment={"S3LINK_EMAIL_TEMPLATE_DIR": str(tmp_path / "templates")})
        assert done.returncode == 2
        assert name in done.stderr and complaint in done.stderr
    assert not (tmp_path / "data").exists()


def test_files_that_settings_name_must_be_readable(tmp_path):
    done = run("config", "check", environment={
        "S3LINK_SERVER_TLS_CERTIFICATE": str(tmp_path / "c.pem"), "S3LINK_SERVER_TLS_KEY": str(tmp_path / "k.pem"),
        "S3LINK_EMAIL_TEMPLATE_DIR": str(tmp_path / "t"), "S3LINK_EMAIL_TRANSPORT": "smtp://me@relay.example:587",
        "S3LINK_EMAIL_PASSWORD_FILE": str(tmp_path / "p")})
    assert done.returncode == 2
    assert done.stderr.startswith("s3link: 4 problems")


# -- serve -------------------------------------------------------------------------------------------------------------


def test_first_start_makes_a_private_folder(server):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [server.data_dir, *server.data_dir.iterdir()]}
    for name, mode in modes.items():
        assert mode & 0o077 == 0, f"{name}: {mode:o}"
    assert modes["credentials"] == modes["master.key"] == 0o600
    assert re.fullmatch(r"S3L[A-Z2-7]{17}", server.access_key_id)
    assert len(server.secret_access_key) == 40
    text = server.log()
    for expected in (server.endpoint, BUCKET, server.access_key_id, "you@localhost", "outbox", str(server.data_dir)):
        assert expected in text
    assert server.secret_access_key not in text


def test_restart_keeps_keys_and_objects_and_removes_the_address(server, tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("kept")
    server.cli("send", "--wait", file)
    secret = server.secret_access_key
    server.stop()
    assert not (server.data_dir / "listen").exists()
    server.start()
    assert server.secret_access_key == secret
    assert json.loads(server.cli("ls", "--json").stdout)["objects"][0]["key"] == "a.txt"
    server.kill()
    server.start()
    assert json.loads(server.cli("ls", "--json").stdout)["objects"][0]["key"] == "a.txt"
    assert len(server.mails()) == 1


def test_second_server_on_the_folder_is_refused(server):
    done = run("serve", "--data-dir", server.data_dir, "--listen", "127.0.0.1:0")
    assert_refused(done, 1, str(server.data_dir))
    assert server.get("/_/readyz").status == 200
    assert (server.data_dir / "listen").exists()


def test_port_in_use_is_refused(server, tmp_path):
    assert_refused(run("serve", "--data-dir", tmp_path / "other", "--listen", server.address), 1, "server.listen")


def test_wrong_or_lost_master_key_is_refused(server):
    server.stop()
    key = server.data_dir / "master.key"
    good = key.read_text()
    key.write_text("0" * 64 + "\n")
    assert_refused(run("serve", "--data-dir", server.data_dir, "--listen", "127.0.0.1:0"), 1, "master key")
    key.write_text("not a key\n")
    assert_refused(run("serve", "--data-dir", server.data_dir, "--listen", "127.0.0.1:0"), 1, "master.key")
    key.unlink()
    assert_refused(run("serve", "--data-dir", server.data_dir, "--listen", "127.0.0.1:0"), 1, "missing")
    assert not key.exists()
    key.touch(0o600)
    key.write_text(good)
    server.start()


def test_lost_credentials_beside_stored_objects_are_refused(server):
    server.s3().put_object(Bucket=BUCKET, Key="a.txt", Body=b"x")
    server.wait_mails(1)
    server.stop()
    file = server.data_dir / "credentials"
    good = file.read_text()
    file.unlink()
    start = ("serve", "--data-dir", server.data_dir, "--listen", "127.0.0.1:0")
    assert_refused(run(*start), 1, "credentials", "key rotate --access")
    assert not file.exists()
    file.touch(0o600)
    file.write_text(good)
    server.start()


def test_credentials_of_an_empty_folder_are_made_again(server):
    server.stop()
    (server.data_dir / "credentials").unlink()
    server.start()
    assert server.get("/_/readyz").status == 200


def test_credentials_that_others_can_read_are_refused(server):
    server.stop()
    (server.data_dir / "credentials").chmod(0o644)
    assert_refused(run("serve", "--data-dir", server.data_dir, "--listen", "127.0.0.1:0"), 1, "chmod 600")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_the_server_with_status_0(server, number):
    server.process.send_signal(number)
    assert server.process.wait(30) == 0
    server.process = None


def test_second_signal_ends_at_once(server):
    # A request in flight, whose end the first signal waits for.
    with socket.create_connection(("127.0.0.1", server.port)) as peer:
        begin_upload(peer, server, 100)
        server.process.send_signal(signal.SIGINT)
        wait_until(lambda: '"stopping"' in server.log(), what="the stop")
        assert server.process.poll() is None
        time.sleep(0.1)
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(5) == 130
        server.process = None


def test_request_in_flight_is_finished(server):
    with socket.create_connection(("127.0.0.1", server.port)) as peer:
        begin_upload(peer, server, 10)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: '"stopping"' in server.log(), what="the stop")
        peer.sendall(b"-half")
        assert peer.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert server.process.wait(30) == 0
    server.process = None
    server.start()
    assert server.s3().get_object(Bucket=BUCKET, Key="slow")["Body"].read() == b"first-half"
    server.wait_mails(1)


def test_sighup_reads_the_certificate_again(make_server, tmp_path):
    certificate = Certificate(tmp_path / "tls")
    server = make_server(certificate=certificate)
    assert server.get("/_/readyz").status == 200
    old = certificate.certificate.read_text()
    Certificate(tmp_path / "tls")
    assert certificate.certificate.read_text() != old
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "TLS certificate read again" in server.log(), what="the reload")
    assert server.get("/_/readyz").status == 200
    certificate.key.write_text("broken")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "TLS certificate not reloaded" in server.log(), what="the refused reload")
    assert server.get("/_/readyz").status == 200


def test_link_and_object_end_when_they_should(make_server, tmp_path):
    server = make_server(settings={"link.expiration": "2s", "bucket.object_ttl": "4s"})
    file = tmp_path / "short.bin"
    file.write_bytes(pattern_bytes(100_000))
    server.cli("send", "--wait", file)
    sent = time.time()
    link = server.wait_mails(1)[0].link
    statuses = [server.fetch(link).status]
    wait_until(lambda: server.fetch(link).status == 403, 10, "the link's end", interval=0.1)
    assert time.time() - sent < 4
    if time.time() - sent < 2.5:  # on a machine this slow nothing can be said
        assert statuses == [200]
    wait_until(lambda: server.s3().list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0, 10, "the object's end", interval=0.1)
    wait_until(lambda: not server.object_files(), 5, "the file's removal", interval=0.1)


# -- send, ls, rm, presign, deliveries ---------------------------------------------------------------------------------


def test_send_and_wait_shows_the_delivery(server, tmp_path):
    file = tmp_path / "Bericht übers Jahr.pdf"
    file.write_bytes(pattern_bytes(5000))
    done = server.cli("send", "--wait", file)
    mail = server.wait_mails(1)[0]
    for text in ("Bericht übers Jahr.pdf", "you@localhost", mail.message_id, str(mail.path), "link valid until"):
        assert text in done.stdout
    assert done.stderr == ""
    got = server.fetch(mail.link)
    assert got.body == file.read_bytes()
    assert got.file_name == file.name
    assert got.headers["Content-Type"] == "application/pdf"


def test_send_json(server, tmp_path):
    for name in ("a.txt", "b.bin"):
        (tmp_path / name).write_bytes(pattern_bytes(10, name))
    done = server.cli("send", "--json", "--wait", tmp_path / "a.txt", tmp_path / "b.bin")
    files = json.loads(done.stdout)["files"]
    assert [(file["key"], file["size_bytes"], file["bucket"]) for file in files] == [
        ("a.txt", 10, BUCKET), ("b.bin", 10, BUCKET)]
    assert all(file["deliveries"][0]["state"] == "delivered" for file in files)
    assert files[0]["sequencer"] < files[1]["sequencer"]


@pytest.mark.parametrize("size", [0, 1, 16 * 2**20, 16 * 2**20 + 1, 70 * 2**20])
def test_sizes_arrive_unchanged(server, tmp_path, size):
    file = tmp_path / "file.bin"
    file.write_bytes(pattern_bytes(size))
    server.cli("send", "--wait", file)
    assert server.fetch(server.wait_mails(1)[0].link).body == file.read_bytes()
    assert "Uploads" not in server.s3().list_multipart_uploads(Bucket=BUCKET)


@pytest.mark.parametrize("size", [0, 100, 40 * 2**20])
def test_standard_input_is_sent_under_a_key(server, tmp_path, size):
    data = pattern_bytes(size)
    server_environment = server.environment | {"S3LINK_SERVER_DATA_DIR": str(server.data_dir)}
    done = subprocess.run([BINARY, "send", "-", "--key", "piped/in.bin", "--wait"], input=data, env=server_environment,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert server.s3().get_object(Bucket=BUCKET, Key="piped/in.bin")["Body"].read() == data
    server.wait_mails(1)


def test_what_cannot_be_sent_does_not_stop_the_rest(server, tmp_path):
    good = tmp_path / "good.txt"
    good.write_text("x")
    done = server.cli("send", tmp_path / "missing.txt", good, check=False)
    assert done.returncode == 1
    assert "missing.txt" in done.stderr
    assert "good.txt" in done.stdout
    server.wait_mails(1)


def keys_of(server):
    return [entry["key"] for entry in json.loads(server.cli("ls", "--json").stdout)["objects"]]


@pytest.fixture
def two_folders(tmp_path):
    """d1/same.txt and d2/same.txt, and more below d2."""
    for name in ("d1/same.txt", "d2/same.txt", "d2/deep/other.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize("arguments", [
    ["d1/same.txt", "d2/same.txt"], ["--prefix", "p/", "d1/same.txt", "d2/same.txt"], ["d1/same.txt", "d1/same.txt"],
    ["--recursive", "d2", "d2/."], ["--key", "k", "d1/same.txt", "d2/same.txt"]])
def test_two_files_under_one_key_are_refused_before_anything_is_sent(server, two_folders, arguments):
    names = [argument for argument in arguments if argument.startswith("d")]
    done = server.cli("send", *[two_folders / name if name in names else name for name in arguments], check=False)
    assert_refused(done, 2)
    if "--key" not in arguments:
        assert all(f"{name.rstrip('/.')}" in done.stderr for name in names) and "--unique" in done.stderr
    assert keys_of(server) == []


def test_a_folder_needs_recursive_and_keeps_its_paths(server, two_folders):
    assert_refused(server.cli("send", two_folders / "d2", two_folders / "d1/same.txt", check=False), 2, "--recursive")
    assert keys_of(server) == []
    server.cli("send", "--recursive", "--prefix", "2026/", two_folders / "d2", two_folders / "d1/same.txt")
    assert keys_of(server) == ["2026/d2/deep/other.txt", "2026/d2/same.txt", "2026/same.txt"]


def test_unique_keys_replace_nothing(server, two_folders):
    for _ in range(2):
        server.cli("send", "--unique", two_folders / "d1/same.txt", two_folders / "d2/same.txt")
    keys = keys_of(server)
    assert len(set(keys)) == 4 and all(re.fullmatch(r"\d{8}-[a-z2-7]{16}/same\.txt", key) for key in keys)


def test_what_is_replaced_is_said(server, tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("1")
    assert "replaced the one" not in server.cli("send", file).stdout
    assert "replaced the one" in server.cli("send", file).stdout
    sent, = json.loads(server.cli("send", "--json", file).stdout)["files"]
    assert sent["replaced"] is True


def test_quiet_prints_errors_only(make_server, tmp_path):
    server = make_server(settings={"email.transport": "smtp://127.0.0.1:1", "delivery.max_retry": "1d",
                                   "delivery.first_retry": "1d"})
    file = tmp_path / "a.txt"
    file.write_text("1")
    done = server.cli("send", "--quiet", file)
    assert done.stdout == done.stderr == ""
    done = server.cli("send", "--quiet", "--wait", "--timeout", "1s", file, check=False)
    assert done.returncode == 1 and done.stdout == "" and "not mailed yet" in done.stderr


def test_ls_shows_the_servers_removal_dates(make_server, tmp_path):
    server = make_server(settings={"bucket.object_ttl": "3d"})
    server.s3().put_object(Bucket=BUCKET, Key="a.txt", Body=b"x")
    # A client that believes something else, as one on another machine would.
    listed = server.cli("ls", "--json", environment={"S3LINK_BUCKET_OBJECT_TTL": "6d"}).stdout
    entry, = json.loads(listed)["objects"]
    kept = datetime.datetime.fromisoformat(entry["removed_at"]) - datetime.datetime.fromisoformat(entry["modified"])
    assert kept == datetime.timedelta(days=3)
    server.stop()
    for other in ("6d", "5h"):  # raised and lowered: the mail has told three days
        server.environment["S3LINK_BUCKET_OBJECT_TTL"] = other
        server.start()
        assert json.loads(server.cli("ls", "--json").stdout)["objects"] == [entry]
        server.stop()
    server.start()


def test_ls_shows_more_than_a_page(server):
    client = server.s3()
    for number in range(3):
        client.put_object(Bucket=BUCKET, Key=f"p/{number} ü&.txt", Body=b"x")
    client.put_object(Bucket=BUCKET, Key="q", Body=b"x")
    assert [entry["key"] for entry in json.loads(server.cli("ls", "p/", "--json").stdout)["objects"]] == [
        f"p/{number} ü&.txt" for number in range(3)]
    assert server.cli("ls").stdout.count(" UTC ") == 4


def test_deliveries_are_chosen_and_paged(make_server):
    server = make_server(settings={"email.recipient": "ann@localhost,bob@localhost"})
    client = server.s3()
    for name in ("a.txt", "b.txt", "c.txt"):
        client.put_object(Bucket=BUCKET, Key=name, Body=b"x")
    server.settled()

    def rows(*arguments):
        document = json.loads(server.cli("deliveries", "--json", *arguments).stdout)
        return [(row["key"], row["recipient"].partition("@")[0]) for row in document["deliveries"]], document["next"]

    everything = [(key, who) for key in ("c.txt", "b.txt", "a.txt") for who in ("ann", "bob")]
    assert rows() == (everything, None)
    assert rows("--key", "b.txt") == ([("b.txt", "ann"), ("b.txt", "bob")], None)
    assert rows("--recipient", "bob@LocalHost")[0] == [(key, "bob") for key in ("c.txt", "b.txt", "a.txt")]
    assert rows("--since", "1h") == (everything, None) and rows("--until", "1h") == ([], None)
    assert rows("--since", "2999-01-01") == ([], None) and rows("--until", "2999-01-01T00:00:00Z") == (everything, None)
    seen, after = [], []
    while True:
        page, following = rows("--limit", "3", *after)
        seen += page
        if following is None:
            break
        after = ["--after", following]
    assert seen == everything
    cut = server.cli("deliveries", "--limit", "2")
    assert "there are more" in cut.stderr and "--after" in cut.stderr
    assert "there are more" not in server.cli("deliveries").stderr


def test_a_reason_that_there_is_not_is_refused(server):
    for command in (["list"], ["redrive"], ["drop"]):
        done = server.cli("dlq", *command, "--reason", "dneied", check=False)
        assert_refused(done, 2, "dneied", "denied", "transient")
    assert server.cli("dlq", "list", "--reason", "denied").stdout.startswith("0 dead letters")


def test_what_is_served_is_printed_on_a_terminal_only(server, tmp_path):
    assert "serves the bucket" not in server.log()
    ready, = (json.loads(line) for line in server.log().splitlines() if '"ready"' in line)
    assert ready["endpoint"] == server.endpoint and ready["access_key_id"] == server.access_key_id
    assert "you@localhost" in ready["mail"] and ready["data_dir"] == str(server.data_dir)
    terminal, end = pty.openpty()
    process = subprocess.Popen([BINARY, "serve", "--data-dir", tmp_path / "new", "--listen", "127.0.0.1:0"],
                               env=clean_environment(), stdin=subprocess.DEVNULL, stdout=end, stderr=subprocess.DEVNULL)
    os.close(end)
    try:
        wait_until(lambda: (tmp_path / "new/listen").exists() or process.poll() is not None, 60, "the server")
        assert "serves the bucket file-exchange" in os.read(terminal, 1000).decode()
    finally:
        process.terminate()
        assert process.wait(30) == 0
        os.close(terminal)


# -- a server elsewhere ------------------------------------------------------------------------------------------------


def elsewhere(server):
    """The variables of somebody who has no data folder here."""
    return {"AWS_ACCESS_KEY_ID": server.access_key_id, "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
            "NO_PROXY": "*", "no_proxy": "*"}


@pytest.mark.parametrize("variable", ["--endpoint", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_a_server_elsewhere_needs_no_data_folder(server, tmp_path, variable):
    environment, options = elsewhere(server), []
    if variable == "--endpoint":
        environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
        options = ["--endpoint", server.endpoint]
    else:
        environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
        environment[variable] = server.endpoint
    (tmp_path / "a.txt").write_text("x")
    for command in (["send", "--wait", "a.txt"], ["ls"], ["deliveries"], ["dlq", "list"]):
        done = run(*command[:1], *command[1:2], *options, *command[2:], cwd=tmp_path, environment=environment)
        assert done.returncode == 0, done.stderr
    link = run("presign", "a.txt", *options, cwd=tmp_path, environment=environment).stdout.strip()
    assert link.startswith(server.endpoint + "/") and server.fetch(link).body == b"x"
    assert run("rm", "a.txt", *options, cwd=tmp_path, environment=environment).returncode == 0
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_is_named_comes_before_the_variable(server, tmp_path):
    done = run("ls", "--data-dir", server.data_dir, cwd=tmp_path, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert done.returncode == 0, done.stderr


def test_an_endpoint_that_is_none_is_refused(tmp_path):
    assert_refused(run("ls", "--endpoint", "files.example.org", cwd=tmp_path), 2, "--endpoint")
    assert_refused(run("ls", cwd=tmp_path, environment={"AWS_ENDPOINT_URL": "http://h/path"}), 2, "AWS_ENDPOINT_URL")
    assert_refused(run("ls", "--endpoint", "http://127.0.0.1:1", cwd=tmp_path), 1, "AWS_ACCESS_KEY_ID")


# -- client commands need their own settings only -----------------------------------------------------------------------


def test_what_only_the_server_needs_does_not_stop_a_client(server, tmp_path):
    broken = {"S3LINK_EMAIL_TRANSPORT": "smtp://me@relay.example:587", "S3LINK_EMAIL_SENDER": "nobody",
              "S3LINK_EMAIL_TEMPLATE_DIR": "/missing", "S3LINK_ALARM_WEBHOOK_SECRET_FILE": "/missing",
              "S3LINK_SERVER_TLS_KEY": "/missing", "S3LINK_SERVER_TLS_CERTIFICATE": "/missing",
              "S3LINK_SERVER_DATA_DIR": str(server.data_dir), "S3LINK_SERVER_PUBLIC_URL": server.endpoint}
    (tmp_path / "a.txt").write_text("x")
    for command in (["send", "a.txt"], ["ls"], ["deliveries"], ["dlq", "list"], ["presign", "a.txt"], ["rm", "a.txt"]):
        done = run(*command, cwd=tmp_path, environment=broken)
        assert done.returncode == 0, (command, done.stderr)
    assert run("config", "check", environment=broken).returncode == 2


def test_a_relay_password_that_cannot_be_read_does_not_stop_a_client(server, tmp_path):
    settings = {"S3LINK_EMAIL_TRANSPORT": "smtp://me@relay.example:587", "S3LINK_EMAIL_PASSWORD_FILE": "/missing",
                "S3LINK_SERVER_DATA_DIR": str(server.data_dir)}
    assert run("dlq", "list", environment=settings).returncode == 0
    refused = run("serve", environment=settings | {"S3LINK_SERVER_DATA_DIR": str(tmp_path / "new")})
    assert refused.returncode == 2 and "email.password_file" in refused.stderr


def test_relative_paths_count_from_the_files_folder(make_server, tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/s3link.toml").write_text('[server]\ndata_dir = "../var"\n')
    (tmp_path / "elsewhere").mkdir()
    shown = run("config", "show", "--json", "--config", "../etc/s3link.toml", cwd=tmp_path / "elsewhere")
    settings = {entry["key"]: entry["value"] for entry in json.loads(shown.stdout)["settings"]}
    assert os.path.realpath(tmp_path / "elsewhere" / settings["server.data_dir"]) == str(tmp_path / "var")


def test_variables_of_kubernetes_are_passed_over():
    injected = {"S3LINK_PORT": "tcp://10.0.0.1:9000", "S3LINK_PORT_9000_TCP_ADDR": "10.0.0.1",
                "S3LINK_SERVICE_HOST": "10.0.0.1", "S3LINK_SERVICE_PORT": "9000"}
    assert run("config", "check", environment=injected).returncode == 0
    done = run("config", "check", environment={"S3LINK_SERVER_PROT": "9000"})
    assert done.returncode == 2 and "S3LINK_SERVER_PROT" in done.stderr


def test_delivery_that_fails_makes_send_fail(server, tmp_path):
    file = tmp_path / "x"
    file.write_text("x")
    done = server.cli("send", "--wait", "--key", "a/../x", file, check=False)
    assert done.returncode == 1
    assert "NOT mailed" in done.stdout
    dead = server.deliveries("dead")
    assert [row["key"] for row in dead] == ["a/../x"]
    assert "dead" in server.cli("deliveries", "--state", "dead").stdout
    assert server.deliveries("delivered") == []


def test_interrupted_upload_is_aborted(server):
    process = subprocess.Popen([BINARY, "send", "-", "--key", "cut.bin"], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=server.environment | {"S3LINK_SERVER_DATA_DIR": str(server.data_dir)})
    process.stdin.write(pattern_bytes(40 * 2**20))
    process.stdin.flush()
    s3 = server.s3()
    wait_until(lambda: s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads"), what="the upload's begin")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    process.stdin.close()
    process.stderr.close()
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_command_without_a_server_says_how_to_start_one(server, tmp_path):
    file = tmp_path / "x"
    file.write_text("x")
    address = server.address
    server.stop()
    for command in (["ls"], ["send", file], ["deliveries"]):
        done = run(*command, environment={"S3LINK_SERVER_DATA_DIR": str(server.data_dir), "S3LINK_SERVER_LISTEN": address})
        assert_refused(done, 1, address, "s3link serve")
    assert_refused(run("ls", cwd=tmp_path), 1, "data/credentials", "--data-dir")


def test_other_keys_are_refused_by_the_server(server):
    done = run("ls", environment={"S3LINK_SERVER_DATA_DIR": str(server.data_dir),
                                  "S3LINK_AUTH_ACCESS_KEY_ID": server.access_key_id,
                                  "S3LINK_AUTH_SECRET_ACCESS_KEY": "something-else"})
    assert_refused(done, 1, "SignatureDoesNotMatch")


def test_keys_of_the_aws_environment_are_used_where_there_is_no_folder(server, tmp_path):
    environment = {"S3LINK_SERVER_PUBLIC_URL": server.endpoint, "AWS_ACCESS_KEY_ID": server.access_key_id,
                   "AWS_SECRET_ACCESS_KEY": server.secret_access_key}
    done = run("ls", "--json", cwd=tmp_path, environment=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"objects": []}


def test_ls_lists_by_prefix_with_removal_date(server):
    s3 = server.s3()
    for key in ("a b+%/ü", "a b+%/文件 😀", "other", "x\x01y"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"12345")
    rows = json.loads(server.cli("ls", "a b", "--json").stdout)["objects"]
    assert [row["key"] for row in rows] == ["a b+%/ü", "a b+%/文件 😀"]
    assert rows[0]["size_bytes"] == 5
    assert rows[0]["removed_at"] > rows[0]["modified"]
    shown = server.cli("ls").stdout
    assert "REMOVED AT" in shown and "文件 😀" in shown and "x?y" in shown
    assert server.cli("ls", "nothing").stdout == ""


def test_output_that_nobody_reads_ends_quietly(server):
    server.s3().put_object(Bucket=BUCKET, Key="k", Body=b"")
    reader, writer = os.pipe()
    os.close(reader)
    environment = server.environment | {"S3LINK_SERVER_DATA_DIR": str(server.data_dir)}
    done = subprocess.run([BINARY, "ls"], env=environment, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert done.returncode == -signal.SIGPIPE and done.stderr == b""
    # As under a parent that ignores SIGPIPE (systemd, Python).
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([BINARY, "ls"], env=environment, stdout=writer, stderr=subprocess.PIPE, timeout=60,
                          restore_signals=False)
    os.close(writer)
    assert done.returncode == 1 and done.stderr == b""


@pytest.mark.parametrize("command", [["ls"], ["doctor"], ["deliveries", "--json"]])
def test_the_first_lines_are_enough(server, command):
    server.s3().put_object(Bucket=BUCKET, Key="k", Body=b"")
    environment = server.environment | {"S3LINK_SERVER_DATA_DIR": str(server.data_dir), "S3LINK": str(BINARY)}
    done = subprocess.run(["sh", "-c", f'"$S3LINK" {" ".join(command)} | head -1'], env=environment,
                          capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stdout.count(b"\n") == 1 and done.stderr == b""


def test_output_that_finds_no_room_is_a_failure(server):
    environment = server.environment | {"S3LINK_SERVER_DATA_DIR": str(server.data_dir)}
    server.s3().put_object(Bucket=BUCKET, Key="k", Body=b"")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BINARY, "ls"], env=environment, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1
    assert done.stderr == b"s3link: cannot write to standard output: No space left on device\n"


def test_a_complaint_that_nobody_reads_changes_nothing(server):
    environment = server.environment | {"S3LINK_SERVER_DATA_DIR": str(server.data_dir)}
    with open("/dev/full", "wb") as full:
        assert subprocess.run([BINARY, "rm", "none"], env=environment, stderr=full, timeout=60).returncode == 1
        assert subprocess.run([BINARY, "serve", "--listen", "x"], env=environment, stderr=full,
                              timeout=60).returncode == 2


def test_ls_pages(server):
    s3 = server.s3()
    for index in range(1005):
        s3.put_object(Bucket=BUCKET, Key=f"k{index:04}", Body=b"")
    rows = json.loads(server.cli("ls", "--json").stdout)["objects"]
    assert [row["key"] for row in rows] == [f"k{index:04}" for index in range(1005)]


def test_rm_removes_and_says_what_is_not_there(server):
    server.s3().put_object(Bucket=BUCKET, Key="one", Body=b"1")
    done = server.cli("rm", "none", "one", check=False)
    assert done.returncode == 1
    assert done.stdout == "removed one\n" and "none: there is no such object" in done.stderr
    assert server.s3().list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_presigned_urls_work_and_are_computed_locally(server, tmp_path):
    put = server.cli("presign", "from curl/ü.txt", "--method", "PUT", "--expires", "1m").stdout.strip()
    with urllib.request.urlopen(urllib.request.Request(put, method="PUT", data=b"from curl")) as answer:
        assert answer.status == 200
    get = server.cli("presign", "from curl/ü.txt", "--expires", "1m").stdout.strip()
    assert "X-Amz-Expires=60" in get
    answer = server.fetch(get)
    assert answer.status == 200 and answer.body == b"from curl" and answer.file_name == "ü.txt"
    assert server.fetch(get, method="PUT").status == 403
    address = server.address
    server.stop()
    assert f"http://{address}/" in run("presign", "k", environment={
        "S3LINK_SERVER_DATA_DIR": str(server.data_dir), "S3LINK_SERVER_LISTEN": address}).stdout


def test_secrets_are_not_in_process_arguments_or_core_files(server):
    arguments = open(f"/proc/{server.process.pid}/cmdline", "rb").read()
    assert server.secret_access_key.encode() not in arguments
    limits = open(f"/proc/{server.process.pid}/limits").read()
    assert re.search(r"^Max core file size\s+0\s+0", limits, re.MULTILINE)
