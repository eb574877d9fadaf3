"""deploy/aws/redrive, run with the real aws-cli against the account's stand-ins."""

import json
import signal
import subprocess

import pytest
import s3_events
from aws_account import ACCOUNT, Letter, Refusal, Stack

BUCKET = "example-file-exchange"
DENIED = Refusal(403, "AccessDeniedException", "User is not authorized")


def upload(key, **options):
    return s3_events.notification(s3_events.record(BUCKET, key, **options))


@pytest.fixture
def redrive(account, script):
    """Runs redrive on the account's queue; the bucket is empty at first. (Queue and function are named, because a look at
    the stack is one more start of aws-cli.)"""
    account.buckets[BUCKET] = {}
    named = ("--queue-url", account.queue_url, "--function", "LinkGenerator")
    return lambda *arguments: script("redrive", *named, *arguments)


@pytest.fixture
def stack(account):
    account.stacks["s3link"] = Stack({}, {"DeadLetterQueue": account.queue_url, "LinkGenerator": "LinkGenerator"})


@pytest.fixture
def letter(account):
    """Makes a message about an upload, and the object itself, unless `there` is false."""

    def make(key="report.pdf", there=True, body=None, error="SES refused the mail", **options):
        event = upload(key, **options)
        if there:
            account.buckets.setdefault(BUCKET, {})[key] = (event["Records"][0]["s3"]["object"]["eTag"], b"")
        account.letters.append(Letter(json.dumps(event) if body is None else body, error))
        return account.letters[-1]

    return make


def all_visible(account):
    return not any(letter.hidden for letter in account.letters)


# --- looking

def test_list_shows_every_message_and_hides_none(account, redrive, letter):
    made = [letter(f"file {number}.txt", error=f"reason {number}") for number in range(23)]
    account.batch = 4  # SQS may hand out fewer than were asked for
    done = redrive("list")
    assert done.returncode == 0, done.stderr
    for number, one in enumerate(made):
        name = f"s3://{BUCKET}/file {number}.txt"
        assert f"{one.id}  2026-09-21T14:13:20Z  200  {name}\n    reason {number}\n" in done.stdout
    assert account.letters == made and all_visible(account)
    assert "DeleteMessage" not in account.operations()


def test_list_as_json(redrive, letter):
    made = letter("büro + 1.txt", error="no\nluck")
    done = redrive("list", "--json")
    assert json.loads(done.stdout) == [{
        "id": made.id, "sent": "2026-09-21T14:13:20Z", "request_id": made.request_id, "error_code": "200",
        "error_message": "no\nluck", "objects": [f"s3://{BUCKET}/büro + 1.txt"], "event": json.loads(made.body)}]


def test_list_tells_of_messages_it_cannot_see(redrive, letter):
    letter().hidden = True
    done = redrive("list")
    assert done.stdout == "Nothing can be seen just now.\n"
    assert "1 more messages are with another reader" in done.stderr


def test_an_empty_queue(redrive):
    assert redrive("list").stdout == "The queue is empty.\n"
    assert json.loads(redrive("list", "--json").stdout) == []


def test_list_gives_back_what_it_read_when_it_fails_midway(account, redrive, letter):
    for _ in range(11):
        letter()
    account.fault(None, None, lambda _: account._error("sqs", account.requests[-1], Refusal(500, "InternalError", "x")))
    done = redrive("list")
    assert done.returncode == 1 and account.faults_left == 0
    assert len(account.letters) == 11 and all_visible(account)


def test_list_gives_back_what_it_read_when_it_is_ended(account, script, redrive, letter):
    del redrive
    for _ in range(10):
        letter()
    reading = subprocess.Popen([script.folder / "redrive", "list", "--queue-url", account.queue_url],
                               env=script.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with reading:
        # The second look at the queue: ten messages are out.
        account.wait(lambda: account.operations().count("ReceiveMessage") == 1)
        hold = account.hold()
        hold.wait_taken()
        reading.send_signal(signal.SIGTERM)
        hold.drop()
        assert reading.wait(60) == 130
    assert len(account.letters) == 10 and all_visible(account)


def test_show(account, redrive, letter):
    letter("other.txt")
    made = letter("report.pdf", error="address refused\x9b2J")
    done = redrive("show", made.id)
    assert done.returncode == 0
    assert made.request_id in done.stdout and f"s3://{BUCKET}/report.pdf" in done.stdout
    assert "address refused\\x9b2J" in done.stdout, "what came from outside does not steer the terminal"
    assert json.loads(done.stdout[done.stdout.index("{\n"):]) == json.loads(made.body)
    assert json.loads(redrive("show", made.id, "--json").stdout)["id"] == made.id
    assert all_visible(account)


def test_show_what_is_not_there(account, redrive, letter):
    letter()
    done = redrive("show", "1234")
    assert done.returncode == 1 and "1234" in done.stderr
    assert all_visible(account)


# --- putting back

def test_redrive_invokes_the_function_with_the_very_event_and_then_deletes(account, redrive, letter):
    made, other = letter("a b+c%.txt"), letter("other.txt")
    done = redrive("redrive", made.id)
    assert (done.returncode, done.stdout) == (0, f"redriven  {made.id}  s3://{BUCKET}/a b+c%.txt\n"), done.stderr
    assert account.invocations == [("LinkGenerator", made.body)]
    assert account.letters == [other] and all_visible(account)
    operations = account.operations()
    assert operations.index("HeadObject") < operations.index("Invoke") < operations.index("DeleteMessage")
    assert ("s3", "HeadObject", (BUCKET, "a b+c%.txt", None)) in account.calls


def test_redrive_all(account, redrive, letter):
    made = [letter(f"{number}.txt") for number in range(3)]
    account.batch = 2
    done = redrive("redrive", "--all", "--json")
    assert done.returncode == 0, done.stderr
    assert [(one["outcome"], one["id"]) for one in json.loads(done.stdout)] == [("redriven", one.id) for one in made]
    assert [payload for _, payload in account.invocations] == [one.body for one in made]
    assert account.letters == []


def test_redrive_by_reason(account, redrive, letter):
    made, other = letter("a.txt", error="SES: Email address is not verified"), letter("b.txt", error="timed out")
    assert redrive("redrive", "--reason", "not verified").returncode == 0
    assert [payload for _, payload in account.invocations] == [made.body]
    assert account.letters == [other] and all_visible(account)


def test_nothing_is_lost_when_the_function_cannot_be_invoked(account, redrive, letter):
    made = [letter("a.txt"), letter("b.txt")]
    account.refusals["Invoke"] = DENIED
    done = redrive("redrive", "--all")
    assert done.returncode == 1
    assert done.stdout.count("failed") == 2 and "not authorized" in done.stdout
    assert account.letters == made and all_visible(account)
    assert "DeleteMessage" not in account.operations()


def test_an_event_that_was_taken_but_whose_message_stays_is_told(account, redrive, letter):
    made = letter()
    account.refusals["DeleteMessage"] = DENIED
    done = redrive("redrive", made.id)
    assert done.returncode == 1 and "still in the queue" in done.stdout
    assert account.letters == [made] and all_visible(account)


def test_what_is_gone_or_replaced_is_refused(account, redrive, letter):
    gone, replaced, there = letter("gone.txt", there=False), letter("replaced.txt"), letter("there.txt")
    account.buckets[BUCKET]["replaced.txt"] = ("f" * 32, b"")
    done = redrive("redrive", "--all")
    assert done.returncode == 1
    assert f"refused  {gone.id}  s3://{BUCKET}/gone.txt: s3://{BUCKET}/gone.txt is gone\n" in done.stdout
    assert f"refused  {replaced.id}" in done.stdout and "was replaced by a later upload" in done.stdout
    assert [payload for _, payload in account.invocations] == [there.body]
    assert account.letters == [gone, replaced] and all_visible(account)


def test_the_version_that_was_uploaded_is_what_is_looked_for(account, redrive, letter):
    made = letter(version_id="3HL4kqtJvjVBH40Nrjfkd")
    assert redrive("redrive", made.id).returncode == 0
    assert account.asked("HeadObject") == [(BUCKET, "report.pdf", "3HL4kqtJvjVBH40Nrjfkd")]


def test_an_object_that_cannot_be_looked_at_is_not_redriven(account, redrive, letter):
    made = letter()
    account.refusals["HeadObject"] = Refusal(403, "AccessDenied", "Access Denied")
    done = redrive("redrive", made.id)
    assert done.returncode == 1 and "could not be looked at" in done.stdout
    assert account.invocations == [] and account.letters == [made] and all_visible(account)


def test_only_the_records_whose_object_is_there_are_redriven(account, redrive, letter):
    there, gone = upload("there.txt")["Records"][0], upload("gone.txt")["Records"][0]
    account.buckets[BUCKET]["there.txt"] = (there["s3"]["object"]["eTag"], b"")
    account.letters.append(Letter(json.dumps({"Records": [gone, there]})))
    done = redrive("redrive", "--all")
    assert done.returncode == 0 and f"without s3://{BUCKET}/gone.txt is gone" in done.stdout
    assert [json.loads(payload) for _, payload in account.invocations] == [{"Records": [there]}]
    assert account.letters == []


def test_a_schedule_event_has_no_object_to_look_for(account, redrive, letter):
    made = letter(body=json.dumps(s3_events.schedule()))
    assert "(Scheduled Event)" in redrive("list").stdout
    assert redrive("redrive", made.id).returncode == 0
    assert account.invocations == [("LinkGenerator", made.body)]


@pytest.mark.parametrize(("body", "outcome"), [
    ("not json", "refused"), ('{"Records": [{"s3": {}}]}', "failed"),
    ('{"Records": [{"s3": {"object": {"key": 7}}}]}', "failed"),
])
def test_what_is_no_event_stays(account, redrive, letter, body, outcome):
    made = letter(body=body)
    done = redrive("redrive", made.id)
    assert done.returncode == 1 and done.stdout.startswith(f"{outcome}  {made.id}")
    assert account.invocations == [] and account.letters == [made] and all_visible(account)
    assert redrive("show", made.id).returncode == 0


@pytest.mark.parametrize("key", ["file:///etc/hostname", "fileb:///etc/hostname", "--bucket", "-x", "{}", "$(id)"])
def test_keys_mean_nothing_to_the_command_line(account, redrive, letter, key):
    made = letter(key)
    assert redrive("redrive", made.id).returncode == 0
    assert account.asked("HeadObject") == [(BUCKET, key, None)]


def test_ids_that_are_not_there_fail_the_command(account, redrive, letter):
    made = letter()
    done = redrive("redrive", made.id, "1234")
    assert done.returncode == 1 and "1234" in done.stderr and made.id not in done.stderr
    assert account.letters == []


# --- dropping

def test_drop_deletes_what_was_named_and_nothing_else(account, redrive, letter):
    first, second, third = letter("a.txt"), letter("b.txt", there=False), letter("c.txt")
    done = redrive("drop", second.id, first.id)
    assert done.returncode == 0 and done.stdout.count("dropped") == 2
    assert account.letters == [third] and all_visible(account)
    assert account.invocations == []


def test_drop_by_reason_and_all(account, redrive, letter):
    letter(error="gone for good")
    other = letter(error="something else")
    assert redrive("drop", "--reason", "gone").returncode == 0
    assert account.letters == [other]
    assert redrive("drop", "--all").returncode == 0
    assert account.letters == []


# --- what it is told

@pytest.mark.parametrize("arguments", [
    [], ["list", "x"], ["show"], ["redrive"], ["drop"], ["redrive", "--all", "1234"], ["drop", "--reason", ""],
    ["redrive", "--reason", "x", "--all"], ["purge"], ["list", "--colour"],
])
def test_wrong_use(account, redrive, arguments):
    done = redrive(*arguments)
    assert done.returncode == 2 and "usage:" in done.stderr
    assert account.calls == []


def test_queue_and_function_are_those_of_the_stack(account, script, stack, letter):
    del stack
    made = letter()
    done = script("redrive", "redrive", made.id)
    assert done.returncode == 0, done.stderr
    assert account.invocations == [("LinkGenerator", made.body)]


def test_another_stack_can_be_named_before_or_after_the_command(account, script, stack):
    del stack
    account.stacks = {"mine": account.stacks.pop("s3link")}
    assert script("redrive", "--stack", "mine", "list").returncode == 0
    assert script("redrive", "list", "--stack", "mine").returncode == 0
    done = script("redrive", "list")
    assert done.returncode == 1 and "the stack s3link" in done.stderr and "--queue-url" in done.stderr


def test_region_and_function_can_be_named(account, redrive, letter):
    made = letter()
    assert redrive("redrive", made.id, "--function", "Other", "--region", "eu-west-3").returncode == 0
    assert account.invocations == [("Other", made.body)]
    assert account.regions == {"eu-west-3"}
    assert account.operations("cloudformation") == []


def test_a_queue_that_is_not_there(account, redrive):
    done = redrive("list", "--queue-url", f"{account.url}/{ACCOUNT}/Other")
    assert done.returncode == 1 and "does not exist" in done.stderr


def test_without_aws_cli(account, script):
    del account
    script.environment["PATH"] = "/nonexistent"
    done = subprocess.run(["/usr/bin/python3", script.folder / "redrive", "list"], env=script.environment,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "aws-cli is not installed" in done.stderr
