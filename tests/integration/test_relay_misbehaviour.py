"""Relays that break the protocol: a bounded wait or a clear reason, never a pipeline that stands still."""

import pytest
from relays import MisbehavingRelay, ScriptedRelay
from s3link_harness import wait_until

CLOSE, STALL = MisbehavingRelay.CLOSE, MisbehavingRelay.STALL
RETRIES = {"delivery.first_retry": "1s", "delivery.max_retry": "1s", "delivery.max_attempts": "1000"}


def server_for(make_server, relay, **settings):
    return make_server(settings={"email.transport": f"smtp://127.0.0.1:{relay.port}",
                                 "email.recipient": "you@example.test", **RETRIES, **settings})


@pytest.mark.parametrize("misdeed", [
    ("CONNECT", b"\x00\xff\xfe what is this\r\n"), ("CONNECT", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ("EHLO", b"250"), ("EHLO", b"250-" + b"x" * 200_000 + b"\r\n"), ("MAIL", b"9999 maybe\r\n"), ("RCPT", b"\r\n\r\n"),
    ("DATA", b"250 done already\r\n"), (".", b"ok\r\n"), (".", CLOSE), ("MAIL", CLOSE), ("CONNECT", CLOSE)],
    ids=lambda misdeed: f"{misdeed[0]}-{'close' if misdeed[1] is CLOSE else misdeed[1][:12].hex()}")
def test_a_relay_that_answers_garbage_or_goes_away_is_asked_again(make_server, misdeed):
    # What is no reply line is waited out by the client; closing after it ends the wait. What is lost after the final dot
    # may have been taken: it waits for half of what is left of its time.
    with MisbehavingRelay([misdeed]) as relay:
        server = server_for(make_server, relay, **{"delivery.give_up_after": "20s"})
        server.s3().put_object(Bucket=server.bucket, Key="first.txt", Body=b"1")
        wait_until(lambda: not relay.misdeeds, 30, "the first connection")
        server.s3().put_object(Bucket=server.bucket, Key="second.txt", Body=b"2")
        wait_until(lambda: any("second.txt" in mail.subject for mail in relay.mails()), 60, "the other mail")
        for connection in relay.connections[:1]:
            relay.hang_up(connection)
        wait_until(lambda: {row["key"] for row in server.deliveries() if row["state"] in ("delivered", "dead")}
                   == {"first.txt", "second.txt"}, 60, "an outcome of both")
        first = next(row for row in server.deliveries() if row["key"] == "first.txt")
        assert first["state"] == "delivered" or first["detail"], "a reason is given"
        assert [row["key"] for row in server.deliveries("pending")] == []


@pytest.mark.parametrize("verb", ["CONNECT", "RCPT", "DATA", "."])
def test_a_relay_that_stalls_holds_up_neither_others_nor_the_stop(make_server, verb):
    """How long one silent relay is waited for is a unit test's (smtp_sender_test); here, that nobody else waits with it."""
    with MisbehavingRelay([(verb, STALL)]) as relay:
        server = server_for(make_server, relay)
        s3 = server.s3()
        s3.put_object(Bucket=server.bucket, Key="stalled.txt", Body=b"x")
        wait_until(lambda: not relay.misdeeds, 30, "the first connection")
        for number in range(5):
            s3.put_object(Bucket=server.bucket, Key=f"other {number}.txt", Body=b"x")
        wait_until(lambda: len(relay.mails()) >= 5, 30, "the other mails")
        wait_until(lambda: [row["key"] for row in server.deliveries("pending")] == ["stalled.txt"], 30, "their records")
        server.stop(timeout=30)
        server.start()
        wait_until(lambda: len(relay.mails()) == 6, 30, "the mail that had stalled")
        server.settled()
        assert sorted(row["key"] for row in server.deliveries("delivered"))[-1] == "stalled.txt"
        assert len({mail.message_id for mail in relay.mails()}) == 6


def test_one_recipient_of_three_is_taken(make_server):
    refused = {f"{name}@example.test": "550 5.1.1 no such user" for name in ("ann", "cy")}
    with ScriptedRelay(users=("ann", "bob", "cy"), replies=refused) as relay:
        server = server_for(make_server, relay,
                            **{"email.recipient": "ann@example.test,bob@example.test,cy@example.test"})
        server.s3().put_object(Bucket=server.bucket, Key="a.txt", Body=b"x")
        dead = wait_until(lambda: server.deliveries("dead"), 30, "the dead letter")
        assert "ann@example.test" in dead[0]["detail"] and "cy@example.test" in dead[0]["detail"]
        assert "bob" not in dead[0]["detail"]
        assert [row["recipient"] for row in server.deliveries("delivered")] == ["bob@example.test"]
        assert len(relay.mails("bob")) == len(relay.taken) == 1
        server.stop()


def test_one_stalled_recipient_holds_up_nobody(make_server):
    """A relay that asks another server about each recipient, and gets no answer about one of twenty."""
    users = [f"user{number}" for number in range(20)]
    uploads = 8
    with ScriptedRelay(users=users, replies={"user7@example.test": None}) as relay:
        server = server_for(make_server, relay, **{
            "email.recipient": ",".join(relay.address(user) for user in users), "delivery.max_attempts": "1"})
        s3 = server.s3()
        for number in range(uploads):
            s3.put_object(Bucket=server.bucket, Key=f"{number}.txt", Body=b"x")
        wait_until(lambda: len(relay.taken) == uploads * 19, 120, "the mails to all others", interval=0.2)
        assert relay.mails("user7") == [] and server.deliveries("dead") == []
        assert {row["attempts"] for row in server.deliveries("pending")} == {0}, "what waits for its turn was not tried"
        assert server.relay()["state"] == "open"
        relay.replies.clear()
        wait_until(lambda: len(relay.mails("user7")) == uploads, 120, "the mails to the one", interval=0.2)
        server.settled()
        assert len({mail.message_id for _, mail in relay.taken}) == len(relay.taken) == uploads * 20
        server.stop()
