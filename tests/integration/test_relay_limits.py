"""Relays that want less, or later: every mail arrives, once, without anybody's help, and none becomes a dead letter.

The waits are scaled, the behaviour is not: postgrey's default of 300 s by S3LINK_POSTGREY_DELAY (default here: 3), SES's one
mail a second by S3LINK_SES_INTERVAL (default here: 0.2)."""

import os

import pytest
from limited_relay import (EximRelay, LimitedRelay, Postgrey, exim_unavailable, postgrey_unavailable)
from relays import PostfixRelay, postfix_unavailable
from s3link_harness import wait_until

POSTGREY_DELAY = int(os.environ.get("S3LINK_POSTGREY_DELAY", "3"))
SES_INTERVAL = float(os.environ.get("S3LINK_SES_INTERVAL", "0.2"))
UPLOADS = 60


def server_for(make_server, relay, **settings):
    return make_server(settings={"email.transport": f"smtp://127.0.0.1:{relay.port}",
                                 "email.recipient": "you@example.test", **settings})


def upload(server, count=UPLOADS):
    s3 = server.s3()
    for number in range(count):
        s3.put_object(Bucket=server.bucket, Key=f"file {number}", Body=b"x")


def delivered(server, count=UPLOADS, timeout=180):
    wait_until(lambda: len(server.deliveries("delivered")) == count, timeout, f"{count} deliveries", interval=0.2)
    assert server.deliveries("dead") == server.deliveries("dropped") == server.deliveries("pending") == []


def test_three_connections_at_a_time(make_server, record_property):
    """Exchange Online's limit for a mailbox; we would open eight."""
    with LimitedRelay(connections=3, busy=b"432 4.3.2 Concurrent connections limit exceeded", takes=0.02) as relay:
        server = server_for(make_server, relay, **{"email.max_connections": "8"})
        upload(server)
        delivered(server, timeout=60)
        server.stop()
        record_property("connections", relay.opened)
        print(f"{relay.opened} connections opened, {relay.refused} refused")
        assert len({mail.message_id for mail in relay.mails()}) == len(relay.mails()) == UPLOADS
        assert relay.opened <= 30, "connections are kept, not made for each mail"
        assert relay.refused <= 15, "probes go over connections that are open"


def test_one_mail_a_second(make_server, record_property):
    """Amazon SES in its sandbox: 454 above the rate."""
    with LimitedRelay(interval=SES_INTERVAL) as relay:
        server = server_for(make_server, relay)
        upload(server)
        delivered(server)
        assert {row["attempts"] for row in server.deliveries("delivered")} == {0}, "it is no mail's failure"
        server.stop()
        record_property("connections", relay.opened)
        print(f"{relay.opened} connections opened, {relay.throttles} mails throttled")
        assert len({mail.message_id for mail in relay.mails()}) == len(relay.mails()) == UPLOADS
        assert server.log().count("relay throttled") <= 3, "changes are logged, not mails"


def test_a_rate_of_our_own_meets_none_of_the_relays(make_server):
    # Five times as fast as the rate: a machine that is busy for 0.4 s between two mails does not matter.
    with LimitedRelay(interval=0.1) as relay:
        server = server_for(make_server, relay, **{"email.rate": "2/s"})
        upload(server, 10)
        delivered(server, 10)
        assert relay.throttles == 0 and len(relay.mails()) == 10
        assert server.relay()["state"] == "open"
        server.stop()


@pytest.mark.skipif(exim_unavailable() is not None, reason=str(exim_unavailable()))
def test_exim_with_ratelimit(make_server, record_property):
    with EximRelay("5 / 1s") as relay:
        server = server_for(make_server, relay)
        upload(server)
        delivered(server)
        server.stop()
        record_property("deferred", relay.deferred())
        print(f"{relay.deferred()} deferred")
        assert len(set(relay.message_ids())) == len(relay.message_ids()) == UPLOADS
        assert relay.deferred() > 0, "the limit was met"


@pytest.mark.skipif(postfix_unavailable() is not None, reason=str(postfix_unavailable()))
@pytest.mark.skipif(postgrey_unavailable() is not None, reason=str(postgrey_unavailable()))
def test_postfix_with_postgrey(make_server):
    with Postgrey(POSTGREY_DELAY) as postgrey:
        relay = PostfixRelay(users=("you", "ann"), settings={
            "smtpd_recipient_restrictions": f"reject_unauth_destination, {postgrey.restriction()}"})
        with relay:
            server = server_for(make_server, relay, **{"email.recipient": "you@example.test,ann@example.test"})
            upload(server, 5)
            wait_until(lambda: any(row["attempts"] for row in server.deliveries("pending")), 30, "a greylisted mail")
            assert server.relay()["state"] == "open", "greylisting is the recipient's"
            delivered(server, 10, timeout=60 + 3 * POSTGREY_DELAY)
            for user in ("you", "ann"):
                wait_until(lambda user=user: len(relay.mails(user)) >= 5, 30, "five mails")
                assert len({mail.message_id for mail in relay.mails(user)}) == len(relay.mails(user)) == 5
            server.stop()


def test_an_empty_object_that_is_filled_at_once_is_one_mail(make_server):
    """What s3fs and many FTP bridges do."""
    server = make_server()
    s3 = server.s3()
    s3.put_object(Bucket=server.bucket, Key="report.pdf", Body=b"")
    s3.put_object(Bucket=server.bucket, Key="report.pdf", Body=b"content")
    server.wait_mails(1)
    dropped = wait_until(lambda: server.deliveries("dropped"), 30, "the end of the empty one")
    assert len(dropped) == 1 and "replaced" in str(dropped)
    mail, = server.mails()
    assert "7 bytes" in mail.text and server.fetch(mail.link).body == b"content"
    server.stop()
