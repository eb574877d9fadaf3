"""Logging in at relays: mechanisms, passwords that change, tokens; who a mail is from; what a relay says of a link."""

import json
import shutil
import signal
import subprocess

import pytest
from access_logs import read_objects, read_records
from relays import LoginRelay, ScriptedRelay
from s3link_harness import BINARY, Certificate, LinkMail, clean_environment, fetch, wait_until
from token_endpoint import TokenEndpoint

RETRIES = {"delivery.first_retry": "1s", "delivery.max_retry": "1s"}


def server_for(make_server, relay, **settings):
    return make_server(settings={"email.transport": relay.transport, "email.sender": "files@example.test",
                                 "email.recipient": "you@example.test", **RETRIES, **settings})


def upload(server, key="a.txt"):
    server.s3().put_object(Bucket=server.bucket, Key=key, Body=b"content")


def secret_file(path, text="right\n"):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize(("offered", "used"), [("GSSAPI NTLM LOGIN", "LOGIN"), ("NTLM GSSAPI LOGIN PLAIN", "PLAIN"),
                                               ("CRAM-MD5 LOGIN", "LOGIN")])
def test_mechanisms_beside_do_not_get_in_the_way(make_server, tmp_path, offered, used):
    with LoginRelay(offered) as relay:
        server = server_for(make_server, relay, **{"email.password_file": secret_file(tmp_path / "password")})
        upload(server)
        wait_until(relay.mails, 30, "the mail")
        assert relay.logins == [(used, "right", True)]
        server.stop()


@pytest.mark.parametrize("text", [b"\xef\xbb\xbfright\r\n", b"right\r\n", b"right", b"right\nsecond line\n"],
                         ids=["byte order mark", "CRLF", "no line end", "two lines"])
def test_a_password_file_of_any_editor_holds_the_password(make_server, tmp_path, text):
    with LoginRelay() as relay:
        server = server_for(make_server, relay, **{"email.password_file": secret_file(tmp_path / "password", text)})
        upload(server)
        wait_until(relay.mails, 30, "the mail")
        assert {secret for _, secret, _ in relay.logins} == {"right"}
        server.stop()


def test_a_new_password_in_the_file_is_taken_without_a_restart(make_server, tmp_path):
    """A refused login loses nothing: the mail waits, and leaves once the file holds what the relay takes."""
    password = tmp_path / "password"
    with LoginRelay() as relay:
        server = server_for(make_server, relay, **{"email.password_file": secret_file(password, "old\n")})
        upload(server)
        wait_until(lambda: relay.logins, 30, "the refused login")
        wait_until(lambda: "email.password_file" in server.log(), 30, "its reason in the log")
        secret_file(password, "right\n")
        wait_until(relay.mails, 60, "the mail")
        server.settled()
        assert server.deliveries("dead") == []
        assert len(relay.mails()) == 1
        server.stop()


def test_sighup_takes_the_password_of_the_file(make_server, tmp_path):
    password = tmp_path / "password"
    with LoginRelay(secrets=("right", "newer")) as relay:
        server = server_for(make_server, relay, **{"email.password_file": secret_file(password)})
        secret_file(password, "newer\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "relay secrets read again" in server.log(), 30, "the reload")
        upload(server)
        wait_until(relay.mails, 30, "the mail")
        assert [secret for _, secret, _ in relay.logins] == ["newer"]
        assert "newer" not in server.log()
        server.stop()


def tokens(endpoint, tmp_path, **more):
    return {"email.oauth.token_url": endpoint.url, "email.oauth.client_id": "client one",
            "email.oauth.scope": "https://outlook.office365.com/.default",
            "email.oauth.client_secret_file": secret_file(tmp_path / "secret", "s&cret\n"), **more}


def test_tokens_of_the_clients_credentials(make_server, tmp_path):
    with TokenEndpoint("s&cret") as endpoint, LoginRelay("LOGIN XOAUTH2", secrets=["token 1"]) as relay:
        server = server_for(make_server, relay, **tokens(endpoint, tmp_path))
        for key in ("a.txt", "b.txt", "c.txt"):
            upload(server, key)
        wait_until(lambda: len(relay.mails()) == 3, 30, "the mails")
        assert {(mechanism, secret) for mechanism, secret, _ in relay.logins} == {("XOAUTH2", "token 1")}
        assert endpoint.asked == [{"grant_type": "client_credentials", "client_id": "client one",
                                   "client_secret": "s&cret", "scope": "https://outlook.office365.com/.default"}]
        server.stop()


def test_a_token_that_is_refused_is_asked_for_anew_once(make_server, tmp_path):
    with TokenEndpoint("s&cret", "r-token") as endpoint, LoginRelay("XOAUTH2", secrets=["token 2"]) as relay:
        server = server_for(make_server, relay, **tokens(endpoint, tmp_path, **{
            "email.oauth.refresh_token_file": secret_file(tmp_path / "refresh", "r-token\n"), "email.auth": "xoauth2"}))
        upload(server)
        wait_until(relay.mails, 30, "the mail")
        assert [secret for _, secret, _ in relay.logins] == ["token 1", "token 2"]
        assert {form["grant_type"] for form in endpoint.asked} == {"refresh_token"}
        server.settled()
        assert server.deliveries("delivered")[0]["attempts"] <= 1
        server.stop()


def test_a_token_endpoint_that_refuses_is_told_by_setting_and_without_the_secret(make_server, tmp_path):
    with TokenEndpoint("other") as endpoint, LoginRelay("XOAUTH2", secrets=["token 1", "token 2"]) as relay:
        server = server_for(make_server, relay, **tokens(endpoint, tmp_path))
        upload(server)
        wait_until(lambda: "email.oauth.token_url: no token: invalid_client" in server.log(), 30, "the reason")
        assert "email.oauth.client_secret_file" in server.log()
        assert "s&cret" not in server.log()
        assert server.deliveries("dead") == []
        endpoint.client_secret = "s&cret"
        wait_until(relay.mails, 60, "the mail")
        server.stop()


def doctor(server):
    done = subprocess.run([BINARY, "doctor", "--json", "--data-dir", server.data_dir],
                          env=clean_environment() | server.environment, capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    return next(found for found in json.loads(done.stdout) if found["check"] == "relay")


def test_doctor_logs_in_in_the_same_way(make_server, tmp_path):
    with TokenEndpoint("s&cret") as endpoint, LoginRelay("GSSAPI XOAUTH2", secrets=["token 2"]) as relay:
        server = server_for(make_server, relay, **tokens(endpoint, tmp_path))
        endpoint.answer({})  # what the doctor gets is the second one
        found = doctor(server)
        assert found["result"] == "ok" and "logged in by XOAUTH2" in found["message"], found
        endpoint.client_secret = "other"
        found = doctor(server)
        assert found["result"] == "failed" and "invalid_client" in found["message"], found
        assert "s&cret" not in json.dumps(found)
        server.stop()


@pytest.mark.parametrize("trusted", [True, False])
def test_roots_of_the_ca_file_are_the_only_ones(make_server, tmp_path, certificate, trusted):
    roots = certificate if trusted else Certificate(tmp_path / "other")
    with ScriptedRelay(certificate=certificate, account=("mailer", "right")) as relay:
        server = make_server(settings={
            "email.transport": f"smtp://mailer@localhost:{relay.port}", "email.recipient": relay.address("you"),
            "email.password_file": secret_file(tmp_path / "password"), "email.ca_file": str(roots.certificate),
            **RETRIES}, environment={"SSL_CERT_FILE": str(certificate.certificate)})
        found = doctor(server)
        assert found["result"] == ("ok" if trusted else "failed"), found
        upload(server)
        if trusted:
            wait_until(relay.mails, 30, "the mail")
        else:
            wait_until(lambda: server.relay()["state"] == "paused", 30, "the pause")
            assert "certificate" in server.log().lower()
            assert relay.mails() == []
        server.stop()


def test_roots_from_a_folder(make_server, certificate, tmp_path):
    folder = tmp_path / "roots"
    folder.mkdir()
    shutil.copy(certificate.certificate, folder / "relay.pem")
    subprocess.run(["openssl", "rehash", folder], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    with ScriptedRelay(certificate=certificate) as relay:
        server = make_server(settings={"email.transport": f"smtp://localhost:{relay.port}?starttls=required",
                                       "email.recipient": relay.address("you"), **RETRIES},
                             environment={"SSL_CERT_DIR": str(folder)})
        upload(server)
        wait_until(relay.mails, 30, "the mail")
        server.stop()


def test_sender_reply_and_greeting_are_those_of_the_settings(make_server, tmp_path):
    with LoginRelay() as relay:
        server = server_for(make_server, relay, **{
            "email.password_file": secret_file(tmp_path / "password"), "email.helo_name": "files.example.test",
            "email.reply_to": "office@example.test", "email.bounce_address": "bounces@example.test"})
        upload(server)
        mail = wait_until(relay.mails, 30, "the mail")[0]
        assert mail.message["From"].addresses[0].addr_spec == "files@example.test"
        assert mail.message["Reply-To"] == "office@example.test"
        assert relay.taken[0][0] == "bounces@example.test"
        assert set(relay.greetings) == {"files.example.test"}
        server.stop()


def test_a_link_in_a_relays_reply_goes_nowhere(make_server, tmp_path):
    """A filter that says "550 URL blocked: <the link>" would put a working link into log, database and console."""
    links = []

    def blocks(message):
        links.append(LinkMail.parse(message).link)
        torn = [links[-1][at:at + 60] for at in range(0, len(links[-1]), 60)]
        return "\r\n".join([f"550-5.7.1 {line}" for line in ["URL blocked:", *torn]] + ["550 5.7.1 sorry"])

    with LoginRelay(verdict=blocks) as relay:
        server = server_for(make_server, relay, **{"email.password_file": secret_file(tmp_path / "password"),
                                                   "log.level": "debug", "access_log.flush_interval": "1s"})
        upload(server)
        dead = wait_until(lambda: server.deliveries("dead"), 30, "the dead letter")
        assert "550 5.7.1 URL blocked: (removed)" in dead[0]["detail"], dead
        link = links[0]
        signature = link.split("X-Amz-Signature=")[1].split("&")[0]
        # Mangled by a mail program, and fetched: the access log's key, target and client.
        answer = fetch(server.endpoint + "/" + link.split("/", 3)[3].replace("?", "%3F"),
                       headers={"User-Agent": f"Scanner ({link})"})
        assert answer.status == 403
        wait_until(lambda: any("X-Amz-Expires" in record["key"] for record in read_records(server)), 30, "its record")
        logged = "\n".join(read_objects(server).values())
        listed = json.dumps(server.deliveries("dead")) + server.cli("dlq", "list").stdout
        listed += server.cli("dlq", "show", dead[0]["id"]).stdout if "id" in dead[0] else ""
        server.stop()
        pieces = [signature[at:at + 16] for at in range(0, 64, 16)]
        for name, text in [("log", server.log()), ("access log", logged), ("command", listed)]:
            assert not any(piece in text for piece in pieces), name
        for file in server.data_dir.rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                assert not any(piece.encode() in content for piece in pieces), file
