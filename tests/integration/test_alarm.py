"""Promise P9 from the outside: more dead letters than the threshold are told once, by mail through a second relay and by
webhook; back under it, an OK is told once; a subscriber that fails is tried again and holds up nobody.

Time is scaled by configuration, since the real binary has no other clock than the machine's: alarm.period is 1 s for the
default's 60 s, and the retries of deliveries last 1 s for a minute. What is asserted are counts and contents, never how
long something took: every wait ends when the thing waited for has happened.
"""

import json
import re
import signal
import sqlite3

import pytest
from page_check import LANDMARKS, check_pages, needs_chromium
from raw_s3 import request
from relays import MisbehavingRelay, ScriptedRelay
from s3link_harness import free_port, wait_until
from webhooks import GARBAGE, HANG, WebhookReceiver, signature_is_right

SECRET = "webhook-secret-of-the-tests"
TOKEN = "T0KEN-in-the-URL"
REFUSED = {"you@example.test": "550 5.7.1 not from here"}


@pytest.fixture
def refusing():
    """The relay of the link mails: it refuses every one of them for good."""
    with ScriptedRelay(replies=dict(REFUSED)) as relay:
        yield relay


@pytest.fixture
def admin_relay():
    """Another relay, for the alarms."""
    with ScriptedRelay(users=("admin",)) as relay:
        yield relay


@pytest.fixture
def start(make_server, refusing, tmp_path):
    """Starts a server whose link mails are refused; `threshold` and any other setting may be given."""
    secret_file = tmp_path / "webhook-secret"
    secret_file.write_text(SECRET + "\n")
    secret_file.chmod(0o600)

    def make(threshold=2, admin=None, hook=None, **settings):
        more = {"email.transport": f"smtp://127.0.0.1:{refusing.port}", "email.recipient": "you@example.test",
                "alarm.dead_letter_threshold": str(threshold), "alarm.period": "1s", **settings}
        if admin:
            more |= {"alarm.email": "admin@example.test", "alarm.transport": f"smtp://127.0.0.1:{admin.port}"}
        if hook:
            more |= {"alarm.webhook": f"http://127.0.0.1:{hook.port}/hooks/{TOKEN}?key={TOKEN}",
                     "alarm.webhook_secret_file": str(secret_file)}
        return make_server(settings=more, secrets=[SECRET, TOKEN])

    return make


def text_of(mail):
    return mail.message.get_body(("plain",)).get_content().replace("\r\n", "\n")


def page_of(mail):
    return mail.message.get_body(("html",)).get_content()


def upload(server, count, prefix="file"):
    s3 = server.s3()
    for number in range(count):
        s3.put_object(Bucket=server.bucket, Key=f"{prefix} {number}.txt", Body=b"x")


def dead(server, count):
    wait_until(lambda: len(server.deliveries("dead")) == count, 60, f"{count} dead letters", interval=0.1)


def remove_dead_letters(server):
    """What an operator does who needs none of them any more, with the server stopped; then starts it again."""
    server.stop()
    database = sqlite3.connect(server.data_dir / "s3link.db")
    with database:
        database.execute("DELETE FROM dead_letters")
    database.close()
    server.start()


def alarms(server):
    """GET /_/api/v1/alarms: {alarm: its object}, {subscriber: its object}."""
    answer = request(server, "GET", "/_/api/v1/alarms")
    assert answer.status == 200, answer.body
    document = json.loads(answer.body)
    return {row["alarm"]: row for row in document["alarms"]}, {row["name"]: row for row in document["subscribers"]}


def subscriber(server, name):
    return alarms(server)[1][name]


def evaluated_again(server):
    """Returns after the alarm was evaluated twice more, which its debug log tells: what it had to say is said."""
    before = server.log().count("alarm evaluated")
    wait_until(lambda: server.log().count("alarm evaluated") >= before + 2, 30, "two more looks", interval=0.1)


def test_one_alarm_and_one_ok_by_each_channel_and_a_restart_repeats_neither(start, admin_relay):
    with WebhookReceiver() as hook:
        server = start(admin=admin_relay, hook=hook)
        upload(server, 2)
        dead(server, 2)
        evaluated_again(server)
        assert admin_relay.mails("admin") == [] and hook.posted == [], "the threshold itself is no alarm"
        assert alarms(server)[0]["dead-letters"]["state"] == "OK"

        upload(server, 5, "more")
        mail = wait_until(lambda: admin_relay.mails("admin"), 30, "the alarm mail")[0]
        wait_until(lambda: hook.posted, 30, "the webhook's post")
        dead(server, 7)
        assert re.fullmatch(r"\[s3link\] ALARM: [3-7] dead letters, more than 2", mail.subject)
        assert mail.message["Auto-Submitted"] == "auto-generated"
        assert mail.message["To"] == "admin@example.test"
        text = text_of(mail)
        assert "State:     ALARM since " in text
        assert re.search(r"^  [3-7] x denied: you@example\.test: 550 5\.7\.1 not from here$", text, re.MULTILINE), text
        assert f"  s3link dlq list --data-dir {server.data_dir}\n" in text
        page = page_of(mail)
        assert ">ALARM since " in page and f">s3link dlq list --data-dir {server.data_dir}</pre>" in page
        assert re.search(r"<li>[3-7] x denied: you@example\.test: 550 5\.7\.1 not from here</li>", page), page

        post = hook.posted[0]
        assert post.path == f"/hooks/{TOKEN}?key={TOKEN}"
        assert signature_is_right(SECRET, post.headers, post.body)
        assert not signature_is_right("another secret", post.headers, post.body)
        assert not signature_is_right(SECRET, post.headers, post.body + b" ")
        assert post.document["state"] == "ALARM" and post.document["message"] == "alarm"
        assert post.document["alarm"] == "dead-letters" and post.document["threshold"] == 2
        assert post.document["reasons"][0]["reason"] == "denied: you@example.test: 550 5.7.1 not from here"
        assert post.document["server"] == server.endpoint and post.document["bucket"] == server.bucket

        state = alarms(server)[0]["dead-letters"]
        assert state["state"] == state["told"] == "ALARM" and state["value"] == 7
        server.stop()
        server.start()
        evaluated_again(server)
        assert len(admin_relay.mails("admin")) == len(hook.posted) == 1, "a restart repeats nothing"

        remove_dead_letters(server)
        wait_until(lambda: len(admin_relay.mails("admin")) == 2, 30, "the OK mail")
        wait_until(lambda: len(hook.posted) == 2, 30, "the OK post")
        ok = admin_relay.mails("admin")[1]
        assert ok.subject == "[s3link] OK: 0 dead letters, no longer more than 2"
        assert "It was ALARM since" in text_of(ok)
        assert ok.message_id != mail.message_id
        assert hook.documents()[1]["state"] == "OK" and hook.documents()[1]["alarm_since"] == post.document["since"]
        evaluated_again(server)
        assert len(admin_relay.mails("admin")) == len(hook.posted) == 2
        states, subscribers = alarms(server)
        assert states["dead-letters"]["state"] == "OK"
        assert subscribers["email"]["told"] == subscribers["webhook"]["told"] == 2
        server.stop()
        assert SECRET not in server.log() and TOKEN not in server.log()


def test_relay_away_for_an_hour_with_two_hundred_uploads(make_server, admin_relay):
    """An hour at 1:360: `alarm.max_wait` of a second stands for six minutes, the longest pause of a second for six. Nobody
    does anything: 200 mails, one alarm, one OK, and no attempt is counted."""
    relay = ScriptedRelay()
    server = make_server(settings={
        "email.transport": f"smtp://127.0.0.1:{relay.port}", "email.recipient": "you@example.test",
        "delivery.first_retry": "1s", "delivery.max_retry": "1s", "delivery.give_up_after": "1h",
        "alarm.period": "1s", "alarm.max_wait": "1s", "alarm.email": "admin@example.test",
        "alarm.transport": f"smtp://127.0.0.1:{admin_relay.port}"})
    upload(server, 200)
    first = wait_until(lambda: admin_relay.mails("admin"), 30, "the alarm")[0]
    assert first.subject.startswith("[s3link] ALARM: an upload has waited")
    assert "the relay is paused: " in text_of(first) and f"127.0.0.1:{relay.port}" in text_of(first)
    ten_seconds_later = len(server.log().splitlines()) + 200
    for _ in range(10):
        evaluated_again(server)
    assert server.deliveries("dead") == []
    assert {row["attempts"] for row in server.deliveries("pending")} == {0}
    assert server.log().count("relay paused") == 1, "the change is logged, not each mail"
    assert len(server.log().splitlines()) < ten_seconds_later
    assert server.get("/_/readyz").status == 200, "uploads are taken"
    assert server.relay()["state"] == "paused" and server.relay()["reason"] == "away"
    with relay:
        wait_until(lambda: len(relay.mails()) == 200, 60, "200 mails", interval=0.2)
        wait_until(lambda: len(admin_relay.mails("admin")) == 2, 30, "the OK")
        server.settled()
        assert len({mail.message_id for mail in relay.mails()}) == len(relay.mails()) == 200
        assert len(server.deliveries("delivered", limit=1000)) == 200 and server.deliveries("dead") == []
        assert server.relay()["state"] == "open"
        evaluated_again(server)
        subjects = [mail.subject.split(":")[0] for mail in admin_relay.mails("admin")]
        assert subjects == ["[s3link] ALARM", "[s3link] OK"]
        server.stop()


def test_five_hundred_refused_mails_are_one_alarm_and_one_redrive(start, admin_relay, refusing):
    """What cannot pass is given up: one alarm by each channel tells of it, and when the cause is mended one command
    delivers all."""
    refusing.replies["you@example.test"] = "450 4.2.0 not now"
    with WebhookReceiver() as hook:
        server = start(admin=admin_relay, hook=hook, threshold=5,
                       **{"delivery.max_attempts": "2", "delivery.first_retry": "1s", "delivery.max_retry": "1s"})
        upload(server, 500)
        wait_until(lambda: alarms(server)[0]["dead-letters"]["value"] == 500, 120, "500 dead letters", interval=0.2)
        assert server.deliveries("pending") == []
        wait_until(lambda: admin_relay.mails("admin") and hook.posted, 30, "the alarm")
        evaluated_again(server)
        assert [mail.subject.split(":")[0] for mail in admin_relay.mails("admin")] == ["[s3link] ALARM"]
        assert "until then it can be sent again" in text_of(admin_relay.mails("admin")[0])
        assert [document["state"] for document in hook.documents()] == ["ALARM"]
        assert hook.documents()[0]["redrivable_until"] > hook.documents()[0]["at"]
        assert "450 4.2.0 not now" in hook.documents()[0]["reasons"][0]["reason"]

        refusing.replies.clear()
        assert server.cli("dlq", "redrive", "--all").stdout == "redriven 500\n"
        wait_until(lambda: len(server.deliveries("delivered")) == 500, 120, "500 deliveries", interval=0.2)
        mails = refusing.mails()
        assert len(mails) == len({mail.message_id for mail in mails}) == len({mail.link for mail in mails}) == 500
        assert server.fetch(mails[0].link).body == b"x"
        wait_until(lambda: len(admin_relay.mails("admin")) == len(hook.posted) == 2, 30, "the OK")
        assert admin_relay.mails("admin")[1].subject == "[s3link] OK: 0 dead letters, no longer more than 5"
        assert hook.documents()[1]["state"] == "OK"


def test_a_refused_login_is_told_at_once_and_a_reload_ends_it(make_server, admin_relay, tmp_path):
    password = tmp_path / "password"
    password.write_text("wrong\n")
    password.chmod(0o600)
    with ScriptedRelay(account=("me", "right")) as relay:
        server = make_server(settings={
            "email.transport": f"smtp://me@127.0.0.1:{relay.port}?starttls=never", "email.recipient": "you@example.test",
            "email.password_file": str(password), "delivery.first_retry": "1h", "delivery.max_retry": "1h",
            "alarm.period": "1h", "alarm.email": "admin@example.test",
            "alarm.transport": f"smtp://127.0.0.1:{admin_relay.port}"})
        upload(server, 3)
        mail = wait_until(lambda: admin_relay.mails("admin"), 30, "the alarm")[0]
        assert mail.subject == "[s3link] ALARM: the relay refuses our login"
        assert "535" in text_of(mail) and "s3link doctor" in text_of(mail)
        assert server.deliveries("dead") == [], "it is nobody's mail that is wrong"
        assert alarms(server)[0]["relay-login"]["state"] == "ALARM"
        assert "login refused" in server.cli("doctor", check=False).stdout
        password.write_text("right\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(relay.mails()) == 3, 30, "three mails")
        wait_until(lambda: len(admin_relay.mails("admin")) == 2, 30, "the OK")
        assert admin_relay.mails("admin")[1].subject == "[s3link] OK: the relay takes our login again"
        server.stop()


def test_who_is_configured_during_an_alarm_is_reminded_at_the_start(start, admin_relay):
    server = start()
    upload(server, 3)
    wait_until(lambda: alarms(server)[0]["dead-letters"]["state"] == "ALARM", 30, "the alarm")
    server.stop()
    server.environment |= {"S3LINK_ALARM_EMAIL": "admin@example.test",
                           "S3LINK_ALARM_TRANSPORT": f"smtp://127.0.0.1:{admin_relay.port}"}
    server.start()
    mail = wait_until(lambda: admin_relay.mails("admin"), 30, "the reminder")[0]
    assert "3 dead letters, more than 2" in mail.subject
    wait_until(lambda: subscriber(server, "email")["told"] == 1, 30, "its record")
    server.stop()
    server.start()
    evaluated_again(server)
    assert len(admin_relay.mails("admin")) == 1


def test_an_event_that_waits_too_long_is_an_alarm_of_its_own(make_server, admin_relay):
    with ScriptedRelay(replies={"you@example.test": "450 4.2.0 later"}) as relay:
        server = make_server(settings={
            "email.transport": f"smtp://127.0.0.1:{relay.port}", "email.recipient": "you@example.test",
            "delivery.max_attempts": "1000", "delivery.first_retry": "1s", "delivery.max_retry": "1s",
            "alarm.period": "1s", "alarm.max_wait": "1s", "alarm.email": "admin@example.test",
            "alarm.transport": f"smtp://127.0.0.1:{admin_relay.port}"})
        upload(server, 1)
        mail = wait_until(lambda: admin_relay.mails("admin"), 30, "the alarm mail")[0]
        assert re.fullmatch(r"\[s3link\] ALARM: an upload has waited .* for its mail, longer than 1 second", mail.subject)
        assert "450 4.2.0 later" in text_of(mail)
        assert "s3link deliveries --state pending" in text_of(mail)
        relay.replies.clear()
        wait_until(lambda: len(admin_relay.mails("admin")) == 2, 30, "the OK mail")
        assert admin_relay.mails("admin")[1].subject == "[s3link] OK: no upload waits longer than 1 second for its mail"
        assert len(relay.mails()) == 1 and server.deliveries("dead") == []
        server.stop()


def test_flapping_sends_no_more_than_is_allowed(start, admin_relay):
    server = start(admin=admin_relay, threshold=0, **{"alarm.min_interval": "1h"})
    for round_number in range(3):
        upload(server, 1, f"round {round_number}")
        wait_until(lambda: alarms(server)[0]["dead-letters"]["state"] == "ALARM", 30, "ALARM")
        remove_dead_letters(server)
        wait_until(lambda: alarms(server)[0]["dead-letters"]["state"] == "OK", 30, "OK")
    evaluated_again(server)
    subjects = [mail.subject for mail in admin_relay.mails("admin")]
    assert [subject.split(":")[0] for subject in subjects] == ["[s3link] ALARM", "[s3link] OK"], subjects


def test_a_webhook_that_fails_for_a_while_is_told_once_it_answers(start, admin_relay):
    with WebhookReceiver(answers=[500, GARBAGE, 200]) as hook:
        server = start(admin=admin_relay, hook=hook)
        upload(server, 3)
        wait_until(lambda: subscriber(server, "webhook")["told"] == 1, 30, "the webhook's yes")
        assert len(hook.posted) == 3
        assert len({post.document["id"] for post in hook.posted}) == 1, "repeats are recognisable"
        assert all(signature_is_right(SECRET, post.headers, post.body) for post in hook.posted)
        state = subscriber(server, "webhook")
        assert state["failed_attempts"] == 2 and state["pending"] == state["given_up"] == 0
        assert len(admin_relay.mails("admin")) == 1, "the mail is not repeated with it"


@pytest.mark.parametrize("answer", [404, 307])
def test_a_webhook_that_refuses_is_not_asked_again(start, admin_relay, answer):
    with WebhookReceiver(answers=[answer]) as hook:
        server = start(admin=admin_relay, hook=hook)
        upload(server, 3)
        wait_until(lambda: subscriber(server, "webhook")["given_up"] == 1, 30, "the refusal")
        wait_until(lambda: admin_relay.mails("admin"), 30, "the alarm mail")
        evaluated_again(server)
        assert [post.path.split("?")[0] for post in hook.posted] == [f"/hooks/{TOKEN}"], "no redirect is followed"
        assert subscriber(server, "webhook")["last_reason"] == f"answered {answer}"
        remove_dead_letters(server)
        wait_until(lambda: subscriber(server, "webhook")["told"] == 1, 30, "the next notification")


def test_a_webhook_that_hangs_holds_up_neither_mail_nor_stop(start, admin_relay):
    with WebhookReceiver(answers=[HANG]) as hook:
        server = start(admin=admin_relay, hook=hook)
        upload(server, 3)
        wait_until(lambda: hook.posted, 30, "the post")
        wait_until(lambda: admin_relay.mails("admin"), 30, "the alarm mail")
        upload(server, 1, "later")
        dead(server, 4)
        server.stop()
        server.start()
        wait_until(lambda: subscriber(server, "webhook")["told"] == 1, 30, "the second attempt")
        assert len({post.document["id"] for post in hook.posted}) == 1


def test_a_webhook_that_hangs_has_a_deadline(start):
    with WebhookReceiver(answers=[HANG]) as hook:
        server = start(hook=hook)
        upload(server, 3)
        wait_until(lambda: subscriber(server, "webhook")["told"] == 1, 60, "the second attempt")
        assert subscriber(server, "webhook")["failed_attempts"] == 1
        assert subscriber(server, "webhook")["last_reason"].endswith("no answer in time")


def test_an_alarm_relay_that_is_down_gets_the_mail_when_it_is_back_also_after_a_restart(start):
    admin = ScriptedRelay(users=("admin",), port=free_port())
    with WebhookReceiver() as hook:
        server = start(admin=admin, hook=hook)
        upload(server, 3)
        wait_until(lambda: hook.posted, 30, "the webhook's post")
        wait_until(lambda: subscriber(server, "email")["failed_attempts"], 30, "a failed attempt")
        server.stop()
        server.start()
        with admin:
            wait_until(lambda: admin.mails("admin"), 60, "the alarm mail")
            wait_until(lambda: subscriber(server, "email")["told"] == 1, 30, "its record")
            assert len(admin.mails("admin")) == len(hook.posted) == 1
            server.stop()


def test_an_alarm_relay_that_stalls_holds_up_neither_webhook_nor_stop(start):
    with MisbehavingRelay([("DATA", MisbehavingRelay.STALL)]) as admin, WebhookReceiver() as hook:
        server = start(admin=admin, hook=hook)
        upload(server, 3)
        wait_until(lambda: not admin.misdeeds, 30, "the connection that stalls")
        wait_until(lambda: subscriber(server, "webhook")["told"] == 1, 30, "the webhook's yes")
        server.stop()
        server.start()
        wait_until(lambda: subscriber(server, "email")["told"] == 1, 30, "the second attempt")
        assert len(admin.mails()) == len(hook.posted) == 1


def test_kill_9_loses_no_alarm(start):
    admin = ScriptedRelay(users=("admin",), port=free_port())
    server = start(admin=admin)
    upload(server, 3)
    wait_until(lambda: subscriber(server, "email")["pending"] == 1, 30, "the notification")
    server.kill()
    with admin:
        server.start()
        mail = wait_until(lambda: admin.mails("admin"), 60, "the alarm mail")[0]
        wait_until(lambda: subscriber(server, "email")["told"] == 1, 30, "its record")
        assert {again.message_id for again in admin.mails("admin")} == {mail.message_id}
        server.stop()


def test_without_subscribers_the_alarm_is_logged_and_shown_with_a_warning_at_start(start):
    server = start()
    assert "alarm.email is not set: alarms are only logged and shown" in server.log()
    upload(server, 3)
    wait_until(lambda: alarms(server)[0]["dead-letters"]["state"] == "ALARM", 30, "ALARM")
    assert alarms(server)[1] == {}
    wait_until(lambda: "alarm raised" in server.log(), 10, "the log line")


def test_alarm_mails_are_files_where_link_mails_are(make_server):
    server = make_server(settings={"alarm.dead_letter_threshold": "0", "alarm.period": "1s",
                                   "alarm.email": "admin@example.test"})
    server.s3().put_object(Bucket=server.bucket, Key="a/../b.txt", Body=b"x")  # cannot be linked
    mail = server.wait_mails(1)[0]
    assert mail.recipient == "admin@example.test"
    assert mail.subject == "[s3link] ALARM: 1 dead letter, more than 0"


@needs_chromium
def test_axe_finds_nothing_in_the_pages_of_a_link_mail_and_of_an_alarm_mail(make_server, tmp_path):
    server = make_server(settings={"alarm.dead_letter_threshold": "0", "alarm.period": "1s",
                                   "alarm.email": "admin@example.test"})
    server.s3().put_object(Bucket=server.bucket, Key="Angebot für Müller & Söhne, sehr lang.pdf", Body=b"x")
    server.s3().put_object(Bucket=server.bucket, Key="a/../b.txt", Body=b"x")  # cannot be linked
    addresses = []
    for mail in server.wait_mails(2):
        page = tmp_path / f"{mail.recipient}.html"
        page.write_text(page_of(mail))
        addresses.append(page.as_uri())
    for result in check_pages(addresses, tmp_path, apart_from=LANDMARKS):
        assert result["language"] == "en" and result["complaints"] == [], result


def test_the_alarms_are_shown_to_the_key_only(server):
    assert server.get("/_/api/v1/alarms").status == 403
