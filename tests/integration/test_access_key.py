"""`s3link key rotate --access`: beside a running server and without one, and the end of the old key."""

import re
import signal
import subprocess

import boto3
import pytest
from botocore.config import Config

from s3link_harness import BINARY, BUCKET, clean_environment, wait_until


def rotate(server, *arguments, data_dir=None):
    return subprocess.run([BINARY, "key", "rotate", "--access", *arguments, "--data-dir", data_dir or server.data_dir],
                          env=clean_environment() | {"NO_PROXY": "*", "no_proxy": "*"}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


def put(client, key="a.txt"):
    return client.put_object(Bucket=BUCKET, Key=key, Body=b"x")


def client_of(server, key_id, secret):
    return boto3.client("s3", endpoint_url=server.endpoint, region_name=server.region, aws_access_key_id=key_id,
                        aws_secret_access_key=secret,
                        config=Config(retries={"total_max_attempts": 1}, proxies={}, s3={"addressing_style": "path"}))


def outcome(client):
    """Empty, or the code of the refusal."""
    try:
        client.list_objects_v2(Bucket=BUCKET)
        return ""
    except client.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


def test_the_running_server_takes_the_new_key_and_keeps_the_old(server):
    old_client, old_id, old_secret = server.s3(), server.access_key_id, server.secret_access_key
    put(old_client)
    old_link = server.wait_mails(1)[0].link
    done = rotate(server)
    assert done.returncode == 0, done.stderr
    assert server.access_key_id != old_id and server.access_key_id in done.stdout and old_id in done.stdout
    assert server.secret_access_key not in done.stdout + done.stderr and old_secret not in done.stdout + done.stderr
    assert "taken it over" in done.stdout and "good until" in done.stdout
    assert outcome(server.s3()) == outcome(old_client) == ""
    assert server.fetch(old_link).body == b"x"
    put(old_client, "b.txt")
    new_link = server.wait_mails(2)[-1].link
    assert server.access_key_id in new_link and old_id not in new_link and server.fetch(new_link).status == 200
    log = server.log()
    assert "access key read again" in log and server.secret_access_key not in log
    server.stop()
    server.start()
    assert outcome(server.s3()) == outcome(client_of(server, old_id, old_secret)) == ""


def test_the_old_key_ends_at_its_time_and_its_links_with_it(server):
    old_client = server.s3()
    put(old_client)
    link = server.wait_mails(1)[0].link
    done = rotate(server, "--keep-old", "2s")
    assert done.returncode == 0 and "5h" in done.stderr, done.stderr
    wait_until(lambda: outcome(old_client) == "InvalidAccessKeyId", 20, "the old key's end", interval=0.1)
    assert server.fetch(link).status == 403
    assert outcome(server.s3()) == ""


def test_without_a_kept_time_it_ends_at_once(server):
    old_client, old_id = server.s3(), server.access_key_id
    put(old_client)
    link = server.wait_mails(1)[0].link
    done = rotate(server, "--keep-old", "0")
    assert done.returncode == 0 and "good no more" in done.stdout
    assert outcome(old_client) == "InvalidAccessKeyId"
    assert server.fetch(link).status == 403
    assert old_id not in (server.data_dir / "credentials").read_text()


def test_two_changes_keep_both_old_keys(server):
    clients = [server.s3()]
    for _ in range(2):
        assert rotate(server, "--keep-old", "1h").returncode == 0
        clients.append(server.s3())
    assert [outcome(client) for client in clients] == ["", "", ""]
    assert rotate(server, "--keep-old", "0").returncode == 0  # the third; the two before keep their time
    assert [outcome(client) for client in clients] == ["", "", "InvalidAccessKeyId"]


def test_without_a_server_the_next_one_takes_it(server):
    old_id, old_secret = server.access_key_id, server.secret_access_key
    server.stop()
    done = rotate(server)
    assert done.returncode == 0 and "no server runs" in done.stdout
    server.start()
    assert server.access_key_id != old_id
    assert outcome(server.s3()) == outcome(client_of(server, old_id, old_secret)) == ""


def test_a_server_that_is_starting_takes_it(server):
    for _ in range(3):
        server.stop()
        server.start(wait=False)
        lock = server.data_dir / "lock"
        wait_until(lambda: lock.read_text().strip() == str(server.process.pid), 30, "its process id", interval=0.0001)
        done = rotate(server)
        assert done.returncode == 0 and "the running server has taken it over" in done.stdout, done.stdout + done.stderr
        server.wait_ready()
        assert outcome(server.s3()) == ""


def test_a_server_whose_process_id_is_not_written_yet_is_waited_for(server):
    lock = server.data_dir / "lock"
    written = lock.read_bytes()
    before = server.access_key_id
    lock.write_bytes(b"")  # as it is when a server has just made and taken it
    process = subprocess.Popen([BINARY, "key", "rotate", "--access", "--data-dir", server.data_dir],
                               env=clean_environment() | {"NO_PROXY": "*", "no_proxy": "*"}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: server.access_key_id != before or process.poll() is not None, 30, "the new key")
    lock.write_bytes(written)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "the running server has taken it over" in output, output


def test_a_server_that_is_stopping_leaves_it_to_the_next(server):
    server.process.send_signal(signal.SIGTERM)
    done = rotate(server)
    assert done.returncode == 0 and ("no server runs" in done.stdout or "taken it over" in done.stdout), done.stderr
    assert server.process.wait(30) == 0
    server.process = None
    server.start()
    assert outcome(server.s3()) == ""


def test_a_lost_file_is_made_anew(server):
    put(server.s3())
    server.wait_mails(1)
    server.stop()
    (server.data_dir / "credentials").unlink()
    assert rotate(server).returncode == 0
    server.start()
    assert outcome(server.s3()) == ""


@pytest.mark.parametrize("arguments, status, text", [
    (["--keep-old", "91d"], 2, "--keep-old"), (["--keep-old", "soon"], 2, "--keep-old"),
    (["--keep-old", "-1s"], 2, "--keep-old")])
def test_wrong_use_changes_nothing(server, arguments, status, text):
    before = (server.data_dir / "credentials").read_bytes()
    done = rotate(server, *arguments)
    assert done.returncode == status and text in done.stderr
    assert (server.data_dir / "credentials").read_bytes() == before


def test_a_key_of_the_configuration_is_changed_there(make_server):
    server = make_server(settings={"auth.access_key_id": "AKIDFORTEST", "auth.secret_access_key": "a-secret-for-the-test"})
    done = server.cli("key", "rotate", "--access", check=False)
    assert done.returncode == 2 and "auth.access_key_id" in done.stderr
    assert not (server.data_dir / "credentials").exists()


def test_a_folder_that_is_not_there(tmp_path):
    done = rotate(None, data_dir=tmp_path / "none")
    assert done.returncode == 1 and re.search(r"none", done.stderr)
