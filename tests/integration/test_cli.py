"""The command line as its users meet it: what is printed, and what each command ends with."""

import json
import os
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

COMMANDS = ["serve", "send", "presign", "ls", "rm", "deliveries", "config", "config init", "config check", "config show"]


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


def test_version():
    done = run("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"s3link \d+\.\d+\.\d+\n", done.stdout)


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
    for arguments in (["config", "check"], ["config", "show"], ["serve"], ["ls"]):
        done = run(*arguments, cwd=tmp_path, environment=environment)
        assert done.returncode == 2 and done.stdout == ""
        lines = done.stderr.splitlines()
        assert lines[0] == "s3link: 4 problems in the configuration:"
        assert len(lines) == 5
        for text in (f"{file}:2: server.listen", f"{file}:3: server.regoin: unknown setting; did you mean server.region?",
                     f"{file}:5: link.expiration", "S3LINK_EMAIL_RECIPIENT: email.recipient"):
            assert text in done.stderr
    assert not (tmp_path / "data").exists()


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
    done = server.cli("send", tmp_path / "missing.txt", tmp_path, good, check=False)
    assert done.returncode == 1
    assert "missing.txt" in done.stderr and "is a folder" in done.stderr
    assert "good.txt" in done.stdout
    server.wait_mails(1)


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
