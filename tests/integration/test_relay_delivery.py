"""Mail through a relay: a real Postfix where the test may start one, aiosmtpd elsewhere."""

import warnings

import pytest
from relays import DOMAIN, PostfixRelay, ScriptedRelay, postfix_unavailable
from s3link_harness import Certificate, read_mails, wait_until

USERS = ("you", "ann", "bob")


@pytest.fixture
def make_relay():
    """Starts a relay with mailboxes; arguments as of PostfixRelay."""
    relays = []
    reason = postfix_unavailable()
    if reason:
        warnings.warn(f"{reason}: aiosmtpd stands in for the relay", stacklevel=1)

    def make(start=True, **options):
        relay = (ScriptedRelay if reason else PostfixRelay)(**options)
        relays.append(relay)
        return relay.start() if start else relay

    yield make
    for relay in relays:
        relay.__exit__()


def through(relay, users=("you",), host="127.0.0.1", options="", **more):
    """Settings of a server that mails through a relay."""
    return {"email.transport": f"smtp://{host}:{relay.port}{options}", "email.recipient":
            ",".join(relay.address(user) for user in users), "email.sender": f"files@{DOMAIN}",
            "delivery.first_retry": "1s", "delivery.max_retry": "2s", **more}


def test_each_recipient_gets_each_mail_once(make_server, make_relay):
    relay = make_relay(users=USERS)
    server = make_server(settings=through(relay, USERS))
    s3 = server.s3()
    names = [f"report {number}.txt" for number in range(12)]
    for name in names:
        s3.put_object(Bucket=server.bucket, Key=name, Body=name.encode())
    wait_until(lambda: all(len(relay.mails(user)) >= len(names) for user in USERS), 60, "all mails")
    server.settled()

    every_id = set()
    for user in USERS:
        mails = relay.mails(user)
        assert {server.fetch(mail.link).body.decode() for mail in mails} == set(names)
        assert len(mails) == len(names)
        assert {mail.recipient for mail in mails} == {relay.address(user)}
        assert {mail.message["From"].addresses[0].addr_spec for mail in mails} == {f"files@{DOMAIN}"}
        every_id |= {mail.message_id for mail in mails}
    assert len(every_id) == len(names) * len(USERS)

    rows = server.deliveries("delivered")
    assert {(row["key"], row["recipient"]) for row in rows} == {(name, relay.address(user)) for name in names
                                                                for user in USERS}
    assert {row["message_id"] for row in rows} == every_id
    assert all("queued" in row["detail"] for row in rows), rows[0]
    assert server.mails() == [], "nothing is written to the outbox folder"


def test_names_beyond_ascii_arrive_whole(make_server, make_relay):
    relay = make_relay()
    server = make_server(settings=through(relay))
    name = "Übersicht – 第三季度 🎉.pdf"
    server.s3().put_object(Bucket=server.bucket, Key=name, Body=b"content")
    mail = wait_until(lambda: relay.mails(), 30, "the mail")[0]
    assert name in mail.subject
    assert name in mail.text
    raw = mail.message.as_bytes().split(b"\n\n", 1)[0]
    assert raw.isascii()
    assert server.fetch(mail.link).body == b"content"
    assert mail.message["Auto-Submitted"] == "auto-generated"


def test_a_relay_that_is_down_delays_and_loses_nothing(make_server, make_relay):
    relay = make_relay(start=False)
    server = make_server(settings=through(relay, **{"delivery.max_attempts": "1000"}))
    s3 = server.s3()
    for number in range(5):
        s3.put_object(Bucket=server.bucket, Key=f"while down {number}", Body=b"x")
    wait_until(lambda: server.relay()["state"] == "paused", 30, "the pause")
    assert f"127.0.0.1:{relay.port}" in server.log(), "the reason is shown"
    assert {row["attempts"] for row in server.deliveries("pending")} == {0}, "it is no mail's failure"
    server.stop()
    server.start()
    s3 = server.s3()
    s3.put_object(Bucket=server.bucket, Key="while down 5", Body=b"x")
    relay.start()
    wait_until(lambda: len(relay.mails()) >= 6, 60, "six mails")
    server.settled()
    assert len({mail.message_id for mail in relay.mails()}) == len(relay.mails()) == 6
    assert server.deliveries("dead") == []


def test_starttls_with_an_authority_of_our_own(make_server, make_relay, certificate):
    relay = make_relay(certificate=certificate)
    server = make_server(settings=through(relay, host="localhost", options="?starttls=required"),
                         environment={"SSL_CERT_FILE": str(certificate.certificate)})
    server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
    wait_until(lambda: relay.mails(), 30, "the mail")
    server.settled()
    assert len(relay.mails()) == 1


def test_a_relay_with_a_foreign_certificate_gets_no_mail(make_server, make_relay, certificate, tmp_path):
    relay = make_relay(certificate=certificate)
    other = Certificate(tmp_path / "other")
    server = make_server(settings=through(relay, host="localhost", options="?starttls=required"),
                         environment={"SSL_CERT_FILE": str(other.certificate)})
    server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
    wait_until(lambda: server.relay()["state"] == "paused", 30, "the pause")
    assert "certificate" in server.log().lower()
    assert relay.mails() == []


def test_required_starttls_that_is_not_offered_is_no_delivery(make_server, make_relay):
    relay = make_relay()
    server = make_server(settings=through(relay, options="?starttls=required"))
    server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
    wait_until(lambda: server.relay()["state"] == "paused", 30, "the pause")
    assert relay.mails() == []


def test_login_with_a_password_from_a_file(make_server, certificate, tmp_path):
    password = "correct-horse-battery-staple"
    (tmp_path / "password").write_text(password + "\n")
    (tmp_path / "password").chmod(0o600)
    with ScriptedRelay(certificate=certificate, account=("mailer", password)) as relay:
        settings = through(relay, host="localhost", options="?starttls=required")
        settings["email.transport"] = settings["email.transport"].replace("//", "//mailer@")
        settings["email.password_file"] = str(tmp_path / "password")
        server = make_server(settings=settings, secrets=[password],
                             environment={"SSL_CERT_FILE": str(certificate.certificate)})
        server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
        wait_until(lambda: relay.mails(), 30, "the mail")
        assert password not in server.log()
        server.stop()


def test_the_same_upload_again_is_a_new_delivery(server):
    """Two versions of one key are two files: each gets its mail, and Message-IDs tell them apart."""
    s3 = server.s3()
    for content in (b"first", b"second"):
        s3.put_object(Bucket=server.bucket, Key="same.txt", Body=content)
        server.settled()
    mails = read_mails(server.data_dir / "outbox")
    assert len({mail.message_id for mail in mails}) == len(mails) == 2


def test_objects_of_other_buckets_are_not_mailed(server):
    s3 = server.s3()
    s3.create_bucket(Bucket="elsewhere")
    s3.put_object(Bucket="elsewhere", Key="quiet.txt", Body=b"x")
    s3.put_object(Bucket=server.bucket, Key="folder/", Body=b"")
    s3.put_object(Bucket=server.bucket, Key="loud.txt", Body=b"x")
    mail = server.wait_mails(1)[0]
    server.settled()
    assert "loud.txt" in mail.subject and len(server.mails()) == 1
    dropped = server.deliveries("dropped")
    assert [row["key"] for row in dropped] == ["folder/"] and dropped[0]["detail"]
