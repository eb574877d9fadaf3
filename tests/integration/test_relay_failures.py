"""Relays that fail: 4yz is retried until it is delivered, 5yz ends in the dead letters with the relay's words."""

import pytest
from relays import SMTP_SINK, MisbehavingRelay, ScriptedRelay, SmtpSink
from s3link_harness import wait_until

pytestmark = pytest.mark.skipif(not SMTP_SINK, reason="smtp-sink (package postfix) is not installed")

RETRIES = {"delivery.first_retry": "1s", "delivery.max_retry": "1s", "delivery.max_attempts": "1000"}


def server_for(make_server, relay, **settings):
    return make_server(settings={"email.transport": f"smtp://127.0.0.1:{relay.port}",
                                 "email.recipient": "you@example.test", **RETRIES, **settings})


def failed_attempts(server):
    """Whether they counted or not."""
    return [row for row in server.deliveries("pending") if row["attempts"] > 0 or row["detail"]]


@pytest.mark.parametrize("options", [("-r", "MAIL"), ("-r", "RCPT"), ("-r", "DATA"), ("-r", "."), ("-Q", "RCPT"),
                                     ("-Q", "."), ("-q", "CONNECT"), ("-q", "EHLO"), ("-q", "DATA"), ("-q", ".")],
                         ids=" ".join)
def test_soft_failure_is_retried_and_then_delivered(make_server, options):
    with SmtpSink(*options) as failing:
        # What is lost after the final dot waits for half of what is left of its time.
        server = server_for(make_server, failing, **{"delivery.give_up_after": "16s"})
        server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"content")
        found = wait_until(lambda: failed_attempts(server) or server.relay().get("reason"), 30, "a failure")
        assert found in ("away", "asks for less") or found[0]["detail"], "the reason is shown"
        failing.stop()
        with SmtpSink(port=failing.port) as working:
            mail = wait_until(working.mails, 30, "the mail")[0]
            server.settled()
            assert len(working.mails()) == 1
            assert server.fetch(mail.link).body == b"content"
            assert len(server.deliveries("delivered")) == 1 and server.deliveries("dead") == []


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
def test_hard_failure_ends_in_the_dead_letters(make_server, command):
    with SmtpSink("-f", command, "-B", "550 5.7.1 not from here, says the test") as refusing:
        server = server_for(make_server, refusing)
        server.s3().put_object(Bucket=server.bucket, Key="refused.txt", Body=b"x")
        dead = wait_until(lambda: server.deliveries("dead"), 30, "the dead letter")
        assert [row["key"] for row in dead] == ["refused.txt"]
        assert "550" in dead[0]["detail"], dead
        assert "you@example.test" in dead[0]["detail"], dead
        assert server.deliveries("pending") == []
        # The object itself is not touched by what became of its mail.
        assert server.s3().head_object(Bucket=server.bucket, Key="refused.txt")["ContentLength"] == 1


def test_attempts_run_out(make_server):
    with SmtpSink("-r", "RCPT") as failing:
        server = server_for(make_server, failing, **{"delivery.max_attempts": "2"})
        server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
        dead = wait_until(lambda: server.deliveries("dead"), 30, "the dead letter")
        assert dead[0]["attempts"] == 2


@pytest.mark.parametrize("verb", ["CONNECT", "MAIL", "RCPT", "DATA", "."])
def test_a_relay_that_flaps_uses_up_no_attempt(make_server, verb):
    # What is lost after the final dot waits for half of what is left of its time.
    with MisbehavingRelay([(verb, MisbehavingRelay.CLOSE)]) as relay:
        server = server_for(make_server, relay, **{"delivery.max_attempts": "1", "delivery.give_up_after": "16s"})
        server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
        wait_until(relay.mails, 30, "the mail")
        server.settled()
        delivered, = server.deliveries("delivered")
        assert delivered["attempts"] == 0 and server.deliveries("dead") == []
        server.stop()


def test_one_refused_recipient_does_not_hold_up_the_others(make_server):
    with ScriptedRelay(users=("ann", "bob", "cy"), replies={"bob@example.test": "550 5.1.1 no such user"}) as relay:
        server = server_for(make_server, relay,
                            **{"email.recipient": "ann@example.test,bob@example.test,cy@example.test"})
        server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
        dead = wait_until(lambda: server.deliveries("dead"), 30, "the dead letter")
        assert "bob@example.test" in dead[0]["detail"] and "550" in dead[0]["detail"]
        assert len(relay.mails("ann")) == len(relay.mails("cy")) == 1
        assert {row["recipient"] for row in server.deliveries("delivered")} == {"ann@example.test", "cy@example.test"}
        server.stop()


def test_a_recipient_who_waits_gets_one_mail_and_the_others_no_second(make_server):
    with ScriptedRelay(users=("ann", "bob"), replies={"bob@example.test": "450 4.2.0 greylisted"}) as relay:
        server = server_for(make_server, relay, **{"email.recipient": "ann@example.test,bob@example.test"})
        server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
        wait_until(lambda: failed_attempts(server), 30, "a failed attempt")
        relay.replies.clear()
        wait_until(lambda: relay.mails("bob"), 30, "the second mail")
        server.settled()
        assert len(relay.mails("ann")) == len(relay.mails("bob")) == 1
        server.stop()


def test_a_failing_mail_does_not_hold_up_the_next(make_server):
    """No head-of-line blocking: what is due is sent while an older one waits for its next attempt."""
    with ScriptedRelay(replies={"you@example.test": "450 4.2.0 later"}) as relay:
        server = server_for(make_server, relay, **{"delivery.first_retry": "1h", "delivery.max_retry": "1h"})
        s3 = server.s3()
        s3.put_object(Bucket=server.bucket, Key="first.txt", Body=b"x")
        wait_until(lambda: failed_attempts(server), 30, "a failed attempt")
        relay.replies.clear()
        s3.put_object(Bucket=server.bucket, Key="second.txt", Body=b"x")
        mail = wait_until(relay.mails, 30, "the second mail")[0]
        assert "second.txt" in mail.subject
        wait_until(lambda: server.deliveries("delivered"), 30, "its record")
        assert [row["key"] for row in server.deliveries("pending")] == ["first.txt"]
        server.stop()
