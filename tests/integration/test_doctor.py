"""`s3link doctor`: what it finds in installations that are sound, and in those that are not."""

import contextlib
import email.utils
import fcntl
import http.client
import http.server
import json
import os
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest
from otlp_collector import OtlpCollector
from relays import ScriptedRelay
from s3link_harness import BINARY, Certificate, clean_environment, free_port
from text_dns import REFUSED, TextDns
from webhooks import WebhookReceiver

NO_CHECK = []


class Findings:
    """What one run printed: `of(check)` are (result, message, fix) of a check, in order."""

    def __init__(self, done):
        self.status, self.text, self.errors = done.returncode, done.stdout, done.stderr
        self.all = json.loads(done.stdout)

    def of(self, check):
        return [(found["result"], found["message"], found["fix"]) for found in self.all if found["check"] == check]

    def results(self, check):
        return [result for result, _, _ in self.of(check)]

    def only(self, check):
        found = self.of(check)
        assert len(found) == 1, f"{check}: {found}"
        return found[0]

    def failed(self):
        return sorted({found["check"] for found in self.all if found["result"] == "failed"})


def run(data_dir, *arguments, settings=None, environment=None):
    variables = {"S3LINK_" + key.replace(".", "_").upper(): value for key, value in (settings or {}).items()}
    return subprocess.run([BINARY, "doctor", "--data-dir", data_dir, *map(str, arguments)],
                          env=clean_environment() | variables | (environment or {}), capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL)


def examine(data_dir, *arguments, settings=None, environment=None):
    return Findings(run(data_dir, "--json", *arguments, settings=settings, environment=environment))


@contextlib.contextmanager
def http_peer(status=200, body=b'{"status":"ok"}', ahead=0):
    """An HTTP server that answers every GET below /_/ so, and others as of a key that does not exist, with a Date that is
    `ahead` seconds in the future. Yields its origin."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            ours = self.path.startswith("/_/")
            answer = body if ours else b"<Error><Code>NoSuchKey</Code></Error>"
            self.send_response_only(status if ours else 404)
            self.send_header("Date", email.utils.formatdate(time.time() + ahead, usegmt=True))
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(10)


# -- the whole --------------------------------------------------------------------------------------------------------

def test_a_sound_installation_is_told_so_and_nothing_is_sent(make_server, tmp_path, certificate):
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    password.chmod(0o600)
    records = {"files.example.org": ["v=spf1 ip4:192.0.2.1 -all"],
               "s7._domainkey.files.example.org": ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
               "_dmarc.files.example.org": ["v=DMARC1; p=reject; rua=mailto:d@example.org"]}
    with (ScriptedRelay(certificate=certificate, account=("files", "correct horse")) as relay, TextDns(records) as dns,
          WebhookReceiver() as webhook, OtlpCollector() as collector):
        settings = {
            "email.transport": f"smtp://files@127.0.0.1:{relay.port}", "email.password_file": str(password),
            "email.sender": "out@files.example.org", "email.recipient": "you@example.test",
            "alarm.email": "admin@example.test", "alarm.webhook": f"http://127.0.0.1:{webhook.port}/hook/t0ken",
            "trace.otlp_endpoint": collector.endpoint}
        server = make_server(settings=settings, environment={"SSL_CERT_FILE": str(certificate.certificate)},
                             secrets=["correct horse"])
        done = server.cli("doctor", "--json", "--dns", dns.address, "--dkim-selector", "s7", check=False)
        found = Findings(done)
        assert found.failed() == NO_CHECK and found.status == 0, found.text
        for check in ("configuration", "data folder", "secrets", "links", "template", "server", "public URL", "link",
                      "clock", "relay", "SPF", "DKIM", "DMARC", "alarm", "webhook", "OTLP"):
            # The mails leave, and their links open on this machine only.
            want = ["ok", "warning"] if check == "configuration" else ["ok"]
            assert found.results(check) == want, f"{check}: {found.text}"
        _, message, _ = found.only("relay")
        assert "logged in" in message and "encrypted" in message and "2 recipients" in message
        assert relay.taken == [] and webhook.posted == [] and collector.complaints == []
        assert collector.requests == [(200, {"resourceSpans": []})]
        assert set(dns.asked) == set(records)

        text = server.cli("doctor", "--dns", dns.address, "--dkim-selector", "s7", check=False).stdout
        assert [line.split()[0] for line in text.splitlines()].count("ok") >= 15
        for secret in ("correct horse", "t0ken", server.secret_access_key):
            assert secret not in text + found.text + done.stderr


def test_every_problem_of_the_configuration_ends_it_with_2(tmp_path):
    refused = run(tmp_path, settings={"link.expiration": "8d", "email.recipient": "nobody"})
    assert refused.returncode == 2 and refused.stdout == ""
    assert "EXPIRATION" in refused.stderr and "RECIPIENT" in refused.stderr
    refused = run(tmp_path, settings={"email.template_dir": str(tmp_path / "gone")})
    assert refused.returncode == 2 and "email.template_dir" in refused.stderr


@pytest.mark.parametrize("arguments", [("--dns", "dns.example.org"), ("--dns", "127.0.0.1:53,127.0.0.2:53"),
                                       ("--dkim-selector", "a b"), ("--colour",)])
def test_wrong_use_ends_it_with_2(tmp_path, arguments):
    refused = run(tmp_path, *arguments)
    assert refused.returncode == 2 and refused.stdout == "" and arguments[0] in refused.stderr


# -- folder and files -------------------------------------------------------------------------------------------------

def test_a_folder_that_no_server_has_made_is_no_failure(tmp_path):
    found = examine(tmp_path / "data")
    assert found.status == 0 and found.failed() == NO_CHECK
    assert found.results("data folder") == ["warning"] and found.results("secrets") == ["skipped"]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name, mode, check, setting", [
    (".", 0o755, "data folder", "server.data_dir"), ("master.key", 0o644, "secrets", "auth.master_key_file"),
    ("credentials", 0o644, "secrets", "server.data_dir")])
def test_what_others_may_read_is_a_failure(server, name, mode, check, setting):
    assert examine(server.data_dir).failed() == NO_CHECK
    (server.data_dir / name).chmod(mode)
    found = examine(server.data_dir)
    assert found.status == 1 and found.failed() == [check]
    result, message, fix = found.only(check)
    assert f"{mode:04o}" in message and "chmod" in fix and setting in fix


def test_a_password_that_everybody_may_read_is_a_failure(server, tmp_path):
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    password.chmod(0o644)
    settings = {"email.transport": f"smtp://files@127.0.0.1:{free_port()}?starttls=never",
                "email.password_file": str(password)}
    refused = run(server.data_dir, settings=settings)
    assert refused.returncode == 2 and "correct horse" not in refused.stdout + refused.stderr
    assert "email.password_file" in refused.stderr and "mode 0644" in refused.stderr and "chmod" in refused.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_key_of_another_user_is_a_failure(server):
    os.chown(server.data_dir, 54321, 54321)
    os.chown(server.data_dir / "credentials", 54321, 54321)
    os.chown(server.data_dir / "master.key", 12345, 12345)
    found = examine(server.data_dir)
    assert found.failed() == ["secrets"]
    assert "12345" in found.only("secrets")[1] and "chown" in found.only("secrets")[2]


def test_a_missing_master_key_is_a_failure(make_server):
    server = make_server()
    server.stop()
    (server.data_dir / "master.key").unlink()
    found = examine(server.data_dir)
    assert found.failed() == ["secrets"] and "master.key" in found.only("secrets")[1]


def test_an_object_that_cannot_fit_is_a_warning(server):
    volume = os.statvfs(server.data_dir)
    more_than_free = volume.f_bavail * volume.f_frsize + 2**30
    if more_than_free > 5 * 2**40:
        pytest.skip("the largest object there can be fits on this disk")
    found = examine(server.data_dir, settings={"server.max_object_size": str(more_than_free)})
    result, message, fix = found.only("disk space")
    assert result in ("warning", "failed") and "server.data_dir" in fix


# -- server, public URL, clock ----------------------------------------------------------------------------------------

def test_a_stopped_server_is_a_warning(make_server):
    server = make_server()
    assert examine(server.data_dir).results("server") == ["ok"]
    server.stop()
    found = examine(server.data_dir)
    assert found.status == 0 and found.results("server") == ["warning"]
    assert found.results("public URL") == ["skipped"]


def test_a_server_that_is_not_ready_fails_with_its_reason(make_server):
    server = make_server()
    server.stop()
    reason = b'{"error":{"code":"NotReady","message":"no space left on the disk"}}'
    with http_peer(503, reason) as origin, open(server.data_dir / "lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (server.data_dir / "listen").write_text(origin.removeprefix("http://") + "\n")
        found = examine(server.data_dir)
    assert "server" in found.failed()
    assert "no space left on the disk" in found.only("server")[1]


@pytest.mark.parametrize("ahead, result", [(0, "ok"), (120, "warning"), (600, "failed"), (-600, "failed")])
def test_a_clock_that_is_off_is_found(server, ahead, result):
    with http_peer(ahead=ahead) as origin:
        found = examine(server.data_dir, settings={"server.public_url": origin})
    assert found.results("public URL") == ["ok"]
    got, message, fix = found.only("clock")
    assert got == result and origin in message
    assert found.status == (1 if result == "failed" else 0)
    if ahead:
        assert ("behind" if ahead > 0 else "ahead of") in message and fix


def test_a_public_url_that_leads_elsewhere_or_nowhere_is_a_failure(server):
    with http_peer(200, b"<html>welcome</html>") as origin:
        found = examine(server.data_dir, settings={"server.public_url": origin})
    assert found.failed() == ["public URL"] and "server.public_url" in found.only("public URL")[2]
    found = examine(server.data_dir, settings={"server.public_url": f"http://127.0.0.1:{free_port()}"})
    assert found.failed() == ["public URL"] and "refused" in found.only("public URL")[1]
    assert found.results("clock") == ["skipped"]


@contextlib.contextmanager
def proxy_to(server, change):
    """A reverse proxy in front of a server. `change(path, headers)` returns what of the request goes on, or a status that
    is answered in its place. Yields its origin."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            passed = change(self.path, {"Host": self.headers["Host"]})
            if isinstance(passed, int):
                self.send_response(passed)
                self.send_header("Location", "https://elsewhere.example/")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            path, headers = passed
            upstream = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            try:
                upstream.request("GET", path, headers=headers)
                answer = upstream.getresponse()
                body = answer.read()
            finally:
                upstream.close()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        proxy.daemon_threads = True
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{proxy.server_address[1]}"
        proxy.shutdown()
        thread.join(10)


def link_finding(server, change):
    """Of a link that passes such a proxy. The probes of the server itself always pass."""
    def keep_probes(path, headers):
        return (path, headers) if path.startswith("/_/") else change(path, headers)

    with proxy_to(server, keep_probes) as origin:
        found = examine(server.data_dir, settings={"server.public_url": origin})
    assert found.results("public URL") == ["ok"]
    return found.only("link")


def test_a_link_that_opens_is_found_good(server):
    found = examine(server.data_dir)
    assert found.results("link") == ["ok"]
    assert link_finding(server, lambda path, headers: (path, headers))[0] == "ok"


@pytest.mark.parametrize("change, cause, remedy", [
    (lambda path, headers: (urllib.parse.quote(urllib.parse.unquote(path), safe="/?&=%"), headers), "rewrites their path",
     "nocanon"),
    (lambda path, headers: ("/prefix" + path, headers), "rewrites their path", "proxy_pass"),
    (lambda path, headers: (path + "&utm_source=mail", headers), "Host field or the query", "docs/reverse-proxy.md"),
    (lambda path, headers: 502, "502", "server.listen"),
    (lambda path, headers: 301, "https://elsewhere.example/", "server.public_url"),
    (lambda path, headers: 403, "not as s3link does", "firewall"),
], ids=["path_normalised", "prefix_added", "query_added", "bad_gateway", "redirect", "firewall"])
def test_what_keeps_links_from_opening_is_named(server, change, cause, remedy):
    result, message, fix = link_finding(server, change)
    assert result == "failed" and cause in message and remedy in fix
    assert "X-Amz-Signature" not in message + fix


# -- certificate ------------------------------------------------------------------------------------------------------

def test_tls_is_verified(make_server, certificate):
    server = make_server(certificate=certificate)
    found = Findings(server.cli("doctor", "--json"))
    assert found.failed() == NO_CHECK and found.results("public URL") == ["ok"]
    assert found.results("certificate") == ["warning"], "two days are left"
    untrusted = Findings(server.cli("doctor", "--json", check=False, environment={"SSL_CERT_FILE": "/dev/null"}))
    assert untrusted.failed() == ["public URL", "server"]


def test_an_expired_certificate_is_a_failure(tmp_path):
    expired = Certificate(tmp_path / "expired")
    subprocess.run(["openssl", "req", "-new", "-key", expired.key, "-subj", "/CN=localhost", "-out", tmp_path / "csr"],
                   check=True, capture_output=True)
    (tmp_path / "index").write_text("")
    (tmp_path / "ca.conf").write_text(
        f"[ca]\ndefault_ca = here\n[here]\ndatabase = {tmp_path}/index\nrand_serial = yes\ndefault_md = sha256\n"
        f"new_certs_dir = {tmp_path}\npolicy = any\n[any]\ncommonName = supplied\n")
    subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-config", tmp_path / "ca.conf", "-keyfile", expired.key,
                    "-in", tmp_path / "csr", "-out", expired.certificate, "-notext",
                    "-startdate", "20200101000000Z", "-enddate", "20210101000000Z"], check=True, capture_output=True)
    settings = {"server.tls_certificate": str(expired.certificate), "server.tls_key": str(expired.key)}
    found = examine(tmp_path / "data", settings=settings)
    assert found.status == 1 and found.failed() == ["certificate"]
    result, message, fix = found.only("certificate")
    assert "expired on Fri, 01 Jan 2021" in message and "server.tls_certificate" in fix


def test_a_key_of_another_certificate_is_a_failure(tmp_path, certificate):
    other = Certificate(tmp_path / "other")
    settings = {"server.tls_certificate": str(certificate.certificate), "server.tls_key": str(other.key)}
    found = examine(tmp_path / "data", settings=settings)
    assert found.failed() == ["certificate"] and "server.tls_key" in found.only("certificate")[1]


def test_a_certificate_made_out_to_another_name_is_a_warning(tmp_path, certificate):
    settings = {"server.tls_certificate": str(certificate.certificate), "server.tls_key": str(certificate.key),
                "server.public_url": f"https://127.0.0.2:{free_port()}"}
    found = examine(tmp_path / "data", settings=settings)
    assert any("127.0.0.2" in message for _, message, _ in found.of("certificate"))


# -- relay ------------------------------------------------------------------------------------------------------------

def relay_findings(tmp_path, transport, **settings):
    return examine(tmp_path / "data", settings={"email.transport": transport, "email.recipient": "you@example.test",
                                                **{key.replace("__", "."): value for key, value in settings.items()}})


def test_a_relay_without_an_account_is_asked_for_every_recipient(tmp_path):
    replies = {"gone@example.test": "550 5.1.1 no such user", "full@example.test": "452 4.2.2 mailbox full"}
    recipients = "you@example.test,gone@example.test,full@example.test"
    with ScriptedRelay(replies=replies) as relay:
        found = relay_findings(tmp_path, f"smtp://127.0.0.1:{relay.port}", email__recipient=recipients)
        assert relay.taken == []
    assert found.status == 1 and found.failed() == ["relay"]
    (gone, full) = found.of("relay")
    assert gone[0] == "failed" and "gone@example.test" in gone[1] and "550 5.1.1 no such user" in gone[1]
    assert full[0] == "warning" and "452 4.2.2 mailbox full" in full[1] and "email.recipient" in full[2]


def test_a_wrong_password_is_a_failure(tmp_path, certificate):
    password = tmp_path / "password"
    password.write_text("battery staple\n")
    password.chmod(0o600)
    with ScriptedRelay(account=("files", "correct horse")) as relay:
        found = relay_findings(tmp_path, f"smtp://files@127.0.0.1:{relay.port}?starttls=never",
                               email__password_file=str(password))
    assert found.failed() == ["relay"]
    _, message, fix = found.only("relay")
    assert "535" in message and "email.password_file" in fix and "battery staple" not in found.text


@pytest.mark.parametrize("starttls, with_tls", [("required", False), ("required", True)])
def test_encryption_that_is_not_to_be_had_is_a_failure(tmp_path, certificate, starttls, with_tls):
    # With TLS, its certificate is from nobody that is trusted here.
    with ScriptedRelay(certificate=certificate if with_tls else None) as relay:
        found = relay_findings(tmp_path, f"smtp://127.0.0.1:{relay.port}?starttls={starttls}")
    assert found.failed() == ["relay"]
    assert "no encryption" in found.only("relay")[1] and "email.transport" in found.only("relay")[2]


def test_a_relay_that_is_down_is_a_failure(tmp_path):
    found = relay_findings(tmp_path, f"smtp://127.0.0.1:{free_port()}")
    assert found.failed() == ["relay"] and "email.transport" in found.only("relay")[2]


def test_without_a_relay_a_warning_says_that_nobody_gets_mail(tmp_path):
    assert examine(tmp_path / "data").results("relay") == ["warning"]


def test_the_alarms_relay_is_asked_too(tmp_path):
    with ScriptedRelay(replies={"admin@example.test": "550 5.7.1 not through here"}) as links, ScriptedRelay() as alarms:
        transport = f"smtp://127.0.0.1:{links.port}"
        shared = relay_findings(tmp_path, transport, alarm__email="admin@example.test")
        assert shared.failed() == ["relay"] and "admin@example.test" in shared.only("relay")[1]
        own = relay_findings(tmp_path, transport, alarm__email="admin@example.test",
                             alarm__transport=f"smtp://127.0.0.1:{alarms.port}")
        assert own.failed() == NO_CHECK
        assert own.results("relay") == ["ok"] and own.results("alarm relay") == ["ok"]
    down = relay_findings(tmp_path, "outbox", alarm__email="admin@example.test",
                          alarm__transport=f"smtp://127.0.0.1:{free_port()}")
    assert down.failed() == ["alarm relay"] and "alarm.transport" in down.only("alarm relay")[2]


# -- the sender's domain ----------------------------------------------------------------------------------------------

def domain_findings(tmp_path, records, *arguments, sender="out@files.example.org", code=0):
    with TextDns(records, code) as dns:
        found = examine(tmp_path / "data", "--dns", dns.address, *arguments, settings={"email.sender": sender})
    return found, dns


def test_a_domain_without_records_is_warned_of(tmp_path):
    found, dns = domain_findings(tmp_path, {})
    assert found.status == 0
    assert [found.results(check) for check in ("SPF", "DKIM", "DMARC")] == [["warning"], ["skipped"], ["warning"]]
    assert "--dkim-selector" in found.only("DKIM")[2] and "selector1._domainkey.files.example.org" in dns.asked
    assert "_dmarc.example.org" in dns.asked, "the organisation's record counts for what is below it"


def test_records_above_the_domain_and_under_common_selectors_are_found(tmp_path):
    key = "MIIB" + "A" * 600  # too long for UDP with its neighbour
    found, dns = domain_findings(tmp_path, {
        "files.example.org": ["other " * 60, "v=spf1 redirect=_spf.example.org"],
        "google._domainkey.files.example.org": [f"v=DKIM1; k=rsa; p={key}"],
        "_dmarc.example.org": ["v=DMARC1; p=none"]})
    for check in ("SPF", "DKIM", "DMARC"):
        assert found.results(check) == ["ok"], found.text
    assert "google._domainkey" in found.only("DKIM")[1] and dns.by_tcp >= 1


@pytest.mark.parametrize("records, arguments, check", [
    ({"files.example.org": ["v=spf1 -all", "v=spf1 ~all"]}, (), "SPF"),
    ({"files.example.org": ["v=spf1 " + " ".join(f"include:{i}.example.org" for i in range(11)) + " -all"]}, (), "SPF"),
    ({"_dmarc.files.example.org": ["v=DMARC1; p=perhaps"]}, (), "DMARC"),
    ({}, ("--dkim-selector", "s7"), "DKIM"),
    ({"s7._domainkey.files.example.org": ["v=DKIM1; p="]}, ("--dkim-selector", "s7"), "DKIM"),
], ids=["two_spf", "too_many_look_ups", "dmarc_policy", "no_dkim", "revoked_dkim"])
def test_records_that_receivers_cannot_use_are_failures(tmp_path, records, arguments, check):
    found, _ = domain_findings(tmp_path, records, *arguments)
    assert found.status == 1 and found.failed() == [check], found.text


def test_a_name_server_that_refuses_is_a_failure(tmp_path):
    found, _ = domain_findings(tmp_path, {}, code=REFUSED)
    assert found.failed() == ["SPF"] and "--dns" in found.only("SPF")[2]
    assert found.results("DKIM") == ["skipped"] and found.results("DMARC") == ["skipped"]


@pytest.mark.parametrize("sender", ["out@example.test", "out@localhost", "out@[192.0.2.1]"])
def test_domains_that_the_public_dns_does_not_have_are_skipped(tmp_path, sender):
    found, dns = domain_findings(tmp_path, {}, sender=sender)
    assert all(found.results(check) == ["skipped"] for check in ("SPF", "DKIM", "DMARC")) and dns.asked == []


# -- alarm and traces -------------------------------------------------------------------------------------------------

def test_nobody_to_alarm_is_a_warning(tmp_path):
    found = examine(tmp_path / "data")
    assert found.results("alarm") == ["warning"] and "alarm.email" in found.only("alarm")[1]


def test_peers_that_are_not_there_are_failures(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        daemon = f"127.0.0.1:{closed.getsockname()[1]}"
        there = examine(tmp_path / "data", settings={"trace.xray_daemon": daemon})
        assert there.failed() == NO_CHECK and there.results("X-Ray") == ["ok"]
    found = examine(tmp_path / "data", settings={
        "alarm.webhook": f"http://127.0.0.1:{free_port()}/hook/t0ken", "trace.xray_daemon": daemon,
        "trace.otlp_endpoint": f"http://127.0.0.1:{free_port()}"})
    assert found.failed() == ["OTLP", "X-Ray", "webhook"]
    for check, setting in (("webhook", "alarm.webhook"), ("X-Ray", "trace.xray_daemon"), ("OTLP", "trace.otlp_endpoint")):
        assert setting in found.only(check)[2] and "refused" in found.only(check)[1].lower()
    assert "t0ken" not in found.text and "127.0.0.1" not in found.only("webhook")[1]


def test_a_collector_that_refuses_is_a_failure(tmp_path):
    with OtlpCollector() as collector:
        collector.answers = [401]
        found = examine(tmp_path / "data", settings={"trace.otlp_endpoint": collector.endpoint})
    assert found.failed() == ["OTLP"] and "401" in found.only("OTLP")[1]
