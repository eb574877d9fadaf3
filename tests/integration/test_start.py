"""Starting and stopping: what is refused at start, what a restart keeps."""

import signal
import stat
import subprocess

import pytest
from raw_s3 import open_what_is_opened_once
from s3link_harness import BINARY, clean_environment, wait_until


def serve(data_dir, *arguments, timeout=20, **environment):
    """A server that is expected to end by itself."""
    return subprocess.run([BINARY, "serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0", *arguments],
                          env=clean_environment() | environment, capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL)


def test_a_second_process_on_the_same_folder_is_refused(server):
    second = serve(server.data_dir)
    assert second.returncode == 1, second.stderr
    assert str(server.process.pid) in second.stderr or "already" in second.stderr or "in use" in second.stderr
    assert server.get("/_/readyz").status == 200
    assert int((server.data_dir / "listen").read_text().rpartition(":")[2]) == server.port


def test_a_wrong_master_key_is_refused_at_start(make_server):
    server = make_server()
    server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
    server.wait_mails(1)
    server.stop()
    (server.data_dir / "master.key").write_text("ab" * 32 + "\n")
    refused = serve(server.data_dir)
    assert refused.returncode in (1, 2), refused.stderr
    assert "master" in refused.stderr.lower()
    assert "abab" not in refused.stderr


def test_every_problem_of_a_configuration_is_listed_at_once(tmp_path):
    file = tmp_path / "s3link.toml"
    file.write_text('[server]\nlisten = "nowhere"\ncolour = "red"\n[link]\nexpiration = "8d"\n[bucket]\nname = "NO"\n')
    refused = serve(tmp_path / "data", "--config", file, S3LINK_EMAIL_RECIPIENT="not an address")
    assert refused.returncode == 2, refused.stderr
    for problem in ("colour", "expiration", "name", "RECIPIENT"):
        assert problem in refused.stderr, f"{problem} is not in:\n{refused.stderr}"
    assert not (tmp_path / "data").exists(), "nothing was made"


def test_a_taken_port_is_named(server, tmp_path):
    environment = clean_environment()
    second = subprocess.run([BINARY, "serve", "--data-dir", tmp_path / "other", "--listen", server.address],
                            env=environment, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    assert second.returncode == 1
    assert str(server.port) in second.stderr


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly(make_server, signal_number):
    server = make_server()
    server.process.send_signal(signal_number)
    status = server.process.wait(15)
    server.process = None
    assert status in (0, 130) if signal_number == signal.SIGINT else status == 0


def test_a_restart_keeps_everything_and_mails_nothing_again(make_server):
    server = make_server()
    s3 = server.s3()
    for size in (0, 100, 300_000):
        s3.put_object(Bucket=server.bucket, Key=f"{size}.bin", Body=bytes(size))
    server.wait_mails(3)
    key = server.secret_access_key
    server.stop()
    server.start()
    assert server.secret_access_key == key
    s3 = server.s3()
    for size in (0, 100, 300_000):
        assert s3.get_object(Bucket=server.bucket, Key=f"{size}.bin")["Body"].read() == bytes(size)
    server.settled()
    assert len(server.mails()) == 3 and len(server.deliveries("delivered")) == 3


def test_private_files_are_private(server):
    for name in ("credentials", "master.key"):
        assert stat.S_IMODE((server.data_dir / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(server.data_dir.stat().st_mode) & 0o077 == 0
    server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
    assert stat.S_IMODE(server.wait_mails(1)[0].path.stat().st_mode) == 0o600


def test_bytes_at_rest_are_encrypted(make_server):
    server = make_server()
    marker = b"plain words that must not be on the disk "
    s3 = server.s3()
    s3.put_object(Bucket=server.bucket, Key="small", Body=marker * 10)
    s3.put_object(Bucket=server.bucket, Key="large", Body=marker * 20_000)
    server.wait_mails(2)
    server.stop()
    for path in server.data_dir.rglob("*"):
        if path.is_file() and path.suffix != ".eml":
            assert marker not in path.read_bytes(), path


def test_no_descriptor_is_inherited_and_none_is_left(server):
    """The server's own descriptors are bounded and return to where they were after a burst of connections."""
    open_what_is_opened_once(server)
    before = len(server.descriptors())
    for _ in range(50):
        assert server.get("/_/healthz").status == 200
    wait_until(lambda: len(server.descriptors()) <= before, 10, "closed connections")


def test_health_needs_no_key_and_tells_nothing_else(server):
    assert server.get("/_/healthz").status == 200
    assert server.get("/_/readyz").status == 200
    assert server.get("/_/nothing").status in (403, 404)
    assert server.get("/").status == 403


@pytest.mark.parametrize("files, warned", [("4159:4159", True), ("1024:4160", False)], ids=["too few", "enough"])
def test_fewer_files_than_connections_are_warned_of(make_server, tmp_path, files, warned):
    """server.max_connections is 4096, and what else there is wants some, too; the soft limit is raised."""
    limited = ("prlimit", f"--nofile={files}")
    server = make_server(wrapper=limited)
    assert ("server.max_connections is 4096, but this process may open 4159 files" in server.log()) == warned
    checked = subprocess.run([*limited, BINARY, "config", "check", "--data-dir", tmp_path / "other"],
                             env=clean_environment(), capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    assert checked.returncode == 0, checked.stderr
    assert ("LimitNOFILE=" in checked.stdout) == warned, checked.stdout
    assert "the configuration is good" in checked.stdout
