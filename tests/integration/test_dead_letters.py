"""Dead letters from the outside: `s3link dlq` and /_/api/v1/dead-letters of a real server with a relay that refuses."""

import json

import pytest
from botocore.exceptions import ClientError
from relays import ScriptedRelay
from s3link_harness import wait_until

YOU = "you@example.test"
REFUSAL = "550 5.1.1 no such user, says the test"


@pytest.fixture
def relay():
    with ScriptedRelay(replies={YOU: REFUSAL}) as scripted:
        yield scripted


@pytest.fixture
def server(make_server, relay):
    server = make_server(settings={"email.transport": f"smtp://127.0.0.1:{relay.port}", "email.recipient": YOU,
                                   "delivery.first_retry": "1s", "delivery.max_retry": "1s"})
    yield server
    server.stop()  # before the relay


def upload(server, *keys):
    for key in keys:
        server.s3().put_object(Bucket=server.bucket, Key=key, Body=key.encode())


def letters(server, count=None, **options):
    """The dead letters, newest first; waits until there are `count`."""
    arguments = ["dlq", "list", "--json"] + [text for name, value in options.items() for text in (f"--{name}", value)]

    def ask():
        found = json.loads(server.cli(*arguments).stdout)["dead_letters"]
        return found if count is None or len(found) == count else None

    return ask() if count is None else wait_until(ask, 30, f"{count} dead letters", interval=0.1)


def test_refused_then_repaired_then_redriven_is_one_mail(server, relay):
    upload(server, "report Q3.pdf")
    letter, = letters(server, 1)
    assert letter["key"] == "report Q3.pdf" and letter["recipient"] == YOU and letter["reason"] == "denied"
    assert letter["reply"] == REFUSAL and letter["attempts"] == 1
    assert letter["first_failure"] == letter["last_failure"]

    listed = server.cli("dlq", "list").stdout
    for words in (str(letter["id"]), "report Q3.pdf", YOU, REFUSAL, "1 attempt, first 2", "1 dead letter: 1 denied"):
        assert words in listed
    shown = server.cli("dlq", "show", letter["id"]).stdout
    for words in ("relay said", REFUSAL, "attempt", '"eventName": "ObjectCreated:Put"', "file-exchange"):
        assert words in shown
    whole = json.loads(server.cli("dlq", "show", letter["id"], "--json").stdout)
    assert whole["event"]["Records"][0]["s3"]["object"]["key"] == "report+Q3.pdf"
    assert [attempt["reply"] for attempt in whole["history"]] == [REFUSAL]

    relay.replies.clear()
    assert server.cli("dlq", "redrive", letter["id"]).stdout == "redriven 1\n"
    mail, = wait_until(relay.mails, 30, "the mail")
    server.settled()
    assert server.fetch(mail.link).body == b"report Q3.pdf"
    assert letters(server) == [] and len(relay.mails()) == 1
    assert [row["state"] for row in server.deliveries()] == ["delivered"]


def test_redriven_in_vain_keeps_its_history(server):
    upload(server, "a.txt")
    letter, = letters(server, 1)
    server.cli("dlq", "redrive", letter["id"])
    server.settled()
    letter, = letters(server, 1)
    whole = json.loads(server.cli("dlq", "show", letter["id"], "--json").stdout)
    assert len(whole["history"]) == 2 and whole["attempts"] == 1
    assert whole["first_failure"] == whole["history"][0]["at"] < whole["last_failure"] == whole["history"][1]["at"]
    server.stop()
    server.start()
    assert json.loads(server.cli("dlq", "show", letter["id"], "--json").stdout) == whole


@pytest.mark.parametrize("command", ["show", "redrive", "drop"])
def test_unknown_id_is_told_and_nothing_is_stuck(server, relay, command):
    done = server.cli("dlq", command, "4711", check=False)
    assert done.returncode == 1 and "dead letter" in done.stderr and done.stdout == ""
    relay.replies.clear()
    upload(server, "next.txt")
    wait_until(relay.mails, 30, "the mail")


def test_known_ones_go_though_an_unknown_one_is_named(server, relay):
    upload(server, "a.txt")
    letter, = letters(server, 1)
    relay.replies.clear()
    done = server.cli("dlq", "redrive", "4711", letter["id"], check=False)
    assert done.returncode == 1 and done.stdout == "redriven 1\n"
    assert done.stderr == "s3link: 4711 not redriven: there is no dead letter with this id (not_found)\n"
    wait_until(relay.mails, 30, "the mail")


def test_what_is_gone_is_refused_and_may_be_dropped(server):
    upload(server, "gone.txt")
    letter, = letters(server, 1)
    server.s3().delete_object(Bucket=server.bucket, Key="gone.txt")
    done = server.cli("dlq", "redrive", letter["id"], check=False)
    assert done.returncode == 1 and done.stdout == "redriven 0\n"
    assert done.stderr == f"s3link: {letter['id']} not redriven: the object was removed (object_gone)\n"
    assert len(letters(server)) == 1
    assert server.cli("dlq", "drop", letter["id"]).stdout == "dropped 1\n"
    assert letters(server) == []
    row, = server.deliveries("dropped")
    assert row["detail"].startswith("dropped_by_operator: ") and REFUSAL in row["detail"]


def test_all_and_by_reason(server, relay):
    upload(server, "a.txt", "b.txt", "c.txt", "x/../y.txt")
    assert [letter["key"] for letter in letters(server, 4)] == ["x/../y.txt", "c.txt", "b.txt", "a.txt"]
    unlinkable, = letters(server, 1, reason="unlinkable_key")
    assert [letter["key"] for letter in letters(server, 2, limit="2")] == ["x/../y.txt", "c.txt"]
    assert "the newest 2 are shown" in server.cli("dlq", "list", "--limit", "2").stdout

    relay.replies.clear()
    done = server.cli("dlq", "redrive", "--all", check=False)
    assert done.returncode == 1 and done.stdout == "redriven 3\n", "what no mail can name is refused"
    assert f"{unlinkable['id']} not redriven" in done.stderr and "unlinkable_key" in done.stderr
    wait_until(lambda: len(relay.mails()) >= 3, 30, "three mails")
    server.settled()
    assert len(relay.mails()) == 3
    assert server.cli("dlq", "redrive", "--reason", "denied").stderr == "s3link: no dead letters\n"
    assert server.cli("dlq", "drop", "--reason", "unlinkable_key").stdout == "dropped 1\n"
    assert server.cli("dlq", "list").stdout == "0 dead letters\n"


@pytest.mark.parametrize("arguments", [["redrive"], ["drop"], ["redrive", "1", "--all"], ["drop", "--all", "--reason", "x"],
                                       ["show"], ["show", "1", "2"], ["show", "x"], ["redrive", "-1"],
                                       ["list", "--limit", "0"], []], ids=" ".join)
def test_wrong_use(server, arguments):
    done = server.cli("dlq", *arguments, check=False)
    assert done.returncode == 2 and done.stderr.startswith("s3link: ") and done.stdout == ""


def test_help_has_examples(server):
    for arguments in (["dlq", "--help"], ["dlq", "redrive", "--help"]):
        assert "s3link dlq redrive --all" in server.cli(*arguments).stdout


def test_full_outbox_refuses_uploads_and_loses_none(make_server):
    relay = ScriptedRelay()
    server = make_server(settings={"email.transport": f"smtp://127.0.0.1:{relay.port}", "email.recipient": YOU,
                                   "delivery.first_retry": "1s", "delivery.max_retry": "1s",
                                   "delivery.max_attempts": "1000", "delivery.max_pending": "3"})
    upload(server, "1", "2", "3")
    with pytest.raises(ClientError) as refused:
        upload(server, "4")
    assert refused.value.response["Error"]["Code"] == "SlowDown"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert server.get("/_/readyz").status == 503
    # Other buckets and all reads go on.
    server.s3().create_bucket(Bucket="elsewhere")
    server.s3().put_object(Bucket="elsewhere", Key="quiet", Body=b"x")
    with relay:
        wait_until(lambda: len(relay.mails()) == 3, 30, "three mails")
        server.settled()
        upload(server, "4")
        wait_until(lambda: len(relay.mails()) == 4, 30, "the fourth mail")
        server.stop()
