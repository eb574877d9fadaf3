"""No log holds a key, a signature or a presigned URL (DESIGN.md, P8), whatever happened and at any log level."""

import re
from urllib.parse import quote

import pytest
from raw_s3 import Signer, host_of, request
from relays import ScriptedRelay
from s3link_harness import wait_until


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_busy_run_leaves_no_secret_in_the_log(make_server, log_format):
    with ScriptedRelay(replies={"bob@example.test": "550 5.1.1 no such user"}) as relay:
        server = make_server(settings={
            "log.level": "debug", "log.format": log_format, "email.transport": f"smtp://127.0.0.1:{relay.port}",
            "email.recipient": "you@example.test,bob@example.test", "delivery.first_retry": "1s"})
        s3 = server.s3()
        secret, signer = server.secret_access_key, Signer.of(server)

        for size in (0, 10, 100_000):
            s3.put_object(Bucket=server.bucket, Key=f"{size} bytes.bin", Body=bytes(size))
        wait_until(lambda: len(relay.mails()) == 3, 30, "the mails")
        links = [mail.link for mail in relay.mails()]
        for link in links:
            assert server.fetch(link).status == 200
            assert server.fetch(link[:-1] + ("0" if link[-1] != "0" else "1")).status == 403
        expired = signer.presign(host_of(server), "/file-exchange/0%20bytes.bin", expires=1, date="20260101T000000Z")
        assert server.get(expired).status == 403
        assert request(server, "PUT", "/file-exchange/x", b"x", signer=Signer(server.access_key_id, "w" * 40)).status == 403
        # A client that puts its secret where it does not belong.
        misplaced = quote(secret[:8], safe="")
        assert request(server, "GET", f"/file-exchange?prefix={misplaced}").status == 200
        server.cli("presign", "0 bytes.bin")
        server.cli("ls")
        server.cli("config", "show")
        wait_until(lambda: len(server.deliveries("dead")) == 3, 30, "the dead letters")
        server.stop()

    log = server.log()
    assert len(log) > 500, "a log at debug level says something"
    assert secret not in log
    assert (server.data_dir / "master.key").read_text().strip() not in log
    assert not re.search(r"X-Amz-Signature(=|%3D)[0-9a-f]{8,}", log, re.IGNORECASE)
    assert not re.search(r"Signature=[0-9a-f]{32,}", log, re.IGNORECASE)
    signatures = {re.search(r"X-Amz-Signature=([0-9a-f]{64})", link).group(1) for link in links}
    assert not any(signature in log for signature in signatures)


def test_commands_print_no_secret(server):
    shown = server.cli("config", "show").stdout + server.cli("config", "show", "--json").stdout
    assert server.secret_access_key not in shown


def test_the_secret_is_in_no_process_argument_or_environment(server):
    with open(f"/proc/{server.process.pid}/cmdline", "rb") as file:
        assert server.secret_access_key.encode() not in file.read()
