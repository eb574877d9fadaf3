"""One mail for each upload and recipient, whatever is repeated, whoever dies; and what holds without the ledger."""

import datetime

import http_peer
import pytest
from s3_events import event_of, notification, record, schedule

SHORT = 4  # seconds of a deadline that is to be met
LEASE = 120  # seconds after which no lease of these tests runs any more


def keys_of(aws):
    return [mail.data["KEY"] for mail in aws.mails]


def ids_of(aws):
    return [mail.headers["X-s3link-Id"] for mail in aws.mails]


def test_a_repeated_event_mails_nothing(function):
    event = event_of(function.aws, "a.txt", "b.txt")
    assert function.succeed(event)["delivered"] == 2
    for _ in range(3):
        assert function.succeed(event) == {"delivered": 0, "dropped": 0, "duplicates": 2, "swept": 0}
    assert len(function.aws.mails) == 2
    line = function.logged("mail sent already")[0]
    assert line["outcome"] == "duplicate" and line["recipient"] == "ann@example.org"


def test_a_repeated_event_mails_nothing_from_another_environment(make_function):
    first = make_function()
    event = event_of(first.aws, "a.txt")
    first.succeed(event)
    first.stop()
    assert make_function(first.aws).succeed(event)["duplicates"] == 1
    assert len(first.aws.mails) == 1


def test_another_content_is_another_mail(function):
    bucket = function.aws.bucket
    for etag in ("0" * 32, "1" * 32):
        assert function.succeed(notification(record(bucket, "a.txt", etag=etag)))["delivered"] == 1
    assert len(set(ids_of(function.aws))) == 2


def test_the_same_content_again_is_another_mail_and_a_late_event_of_the_first_is_none(function):
    bucket = function.aws.bucket
    first = notification(record(bucket, "a.txt", sequencer="0055AED6DCD90281E5"))
    second = notification(record(bucket, "a.txt", sequencer="0055AED6DCD90281E6"))
    assert function.succeed(first)["delivered"] == 1
    assert function.succeed(second)["delivered"] == 1
    assert function.succeed(first)["duplicates"] == 1
    assert function.succeed(second)["duplicates"] == 1
    assert len(set(ids_of(function.aws))) == 2


def test_a_key_and_recipient_at_their_limits_fit_the_table(make_function):
    recipient = "r" * 64 + "@" + ".".join(["d" * 60] * 3) + ".org"
    function = make_function(parameters={"EmailRecipient": recipient, "FileExchangeBucketName": "b" * 51})
    event = event_of(function.aws, "€" * 341 + "k")
    assert function.succeed(event)["delivered"] == 1
    assert function.succeed(event)["duplicates"] == 1


def test_entries_are_kept_for_as_long_as_the_object(make_function):
    function = make_function(parameters={"ExchangableObjectsTTL": 7})
    table = function.aws.table
    function.succeed(event_of(function.aws, "a.txt"))
    item, = table.items.values()
    left = float(item[table.ttl_attribute]["N"]) - datetime.datetime.now().timestamp()
    assert 7 * 86400 < left < 11 * 86400


def test_the_table_holds_no_link(function):
    function.succeed(event_of(function.aws, "a.txt"))
    assert not any("X-Amz" in str(item) for item in function.aws.table.items.values())


def test_the_role_allows_what_is_called(function):
    aws = function.aws
    function.succeed(event_of(aws, "a.txt"))
    aws.ses.fault(aws.ses.unverified)
    function.fail(event_of(aws, "b.txt"), "s3link.MailRefused")
    assert {f"dynamodb:{operation}" for operation in aws.table.operations} | {"ses:SendEmail"} <= aws.allowed_actions()


# -- two at once, and death ---------------------------------------------------------------------------------------------


def test_of_two_environments_one_sends(make_function):
    one = make_function()
    two = make_function(one.aws)
    aws = one.aws
    event = event_of(aws, "a.txt")
    held = aws.ses.hold()
    first = one.submit(event)
    held.wait_taken()
    two.fail(event, "s3link.InProgress")
    held.release()
    assert one.finish(first).json()["delivered"] == 1
    assert two.succeed(event)["duplicates"] == 1 and len(aws.mails) == 1


def test_two_environments_share_an_event_of_many_records(make_function):
    one = make_function()
    two = make_function(one.aws)
    aws = one.aws
    keys = [f"{number}.txt" for number in range(40)]
    event = event_of(aws, *keys)
    both = [one.submit(event), two.submit(event)]
    one.finish(both[0])
    two.finish(both[1])
    assert sorted(keys_of(aws)) == sorted(keys)
    assert one.succeed(event)["duplicates"] == 40


def test_one_that_dies_before_the_mail_is_taken_over_when_its_lease_ends(make_function):
    first = make_function()
    aws = first.aws
    event = event_of(aws, "a.txt")
    held = aws.ses.hold()
    first.submit(event)
    held.wait_taken()
    first.kill()
    held.drop()
    second = make_function(aws)
    second.fail(event, "s3link.InProgress")
    assert aws.mails == []
    aws.table.time_passes(LEASE)
    assert second.succeed(event)["delivered"] == 1 and len(aws.mails) == 1


def test_one_that_dies_between_mail_and_record_repeats_the_mail_under_its_id(make_function):
    first = make_function()
    aws = first.aws
    event = event_of(aws, "a.txt")
    holds = []

    def hold_the_record(_):
        holds.append(aws.table.hold())

    aws.ses.fault(hold_the_record)
    first.submit(event)
    aws.ses.wait(lambda: aws.ses.mails, what="the mail")
    holds[0].wait_taken()
    first.kill()
    holds[0].drop()
    assert len(aws.mails) == 1
    aws.table.time_passes(LEASE)
    assert make_function(aws).succeed(event)["delivered"] == 1
    one, two = ids_of(aws)
    assert one == two


def test_the_lease_of_the_living_is_not_taken_over_before_its_deadline(make_function):
    first = make_function()
    aws = first.aws
    event = event_of(aws, "a.txt")
    held = aws.ses.hold()
    running = first.submit(event)
    held.wait_taken()
    second = make_function(aws)
    aws.table.time_passes(aws.timeout_seconds - 5)
    second.fail(event, "s3link.InProgress")
    held.release()
    assert first.finish(running).kind == "response" and len(aws.mails) == 1


# -- the ledger fails ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["throttled", "internal"])
def test_a_ledger_that_stumbles_is_asked_again(function, fault):
    aws = function.aws
    aws.table.fault(*[getattr(aws.table, fault)] * 2)
    assert function.succeed(event_of(aws, "a.txt"))["delivered"] == 1
    assert len(aws.mails) == 1


def test_a_lost_answer_to_a_claim_is_asked_for_again(function):
    aws = function.aws

    def accepted_then_dropped(request):
        aws.table.handle(request)
        raise http_peer.Drop

    aws.table.fault(accepted_then_dropped)
    assert function.succeed(event_of(aws, "a.txt"))["delivered"] == 1
    assert len(aws.mails) == 1


def test_a_lost_answer_to_a_record_is_asked_for_again(function):
    aws = function.aws

    def lose_the_record(_):
        def accepted_then_dropped(request):
            aws.table.handle(request)
            raise http_peer.Drop
        aws.table.fault(accepted_then_dropped)

    aws.ses.fault(lose_the_record)
    event = event_of(aws, "a.txt")
    assert function.succeed(event)["delivered"] == 1
    assert function.logged("mail sent, not recorded") == []
    assert function.succeed(event)["duplicates"] == 1 and len(aws.mails) == 1


@pytest.mark.parametrize("fault", ["internal", "reset", "silent"])
def test_without_an_answer_of_the_ledger_nothing_is_sent(function, fault):
    aws = function.aws
    event = event_of(aws, "a.txt")
    held = None
    if fault == "internal":
        aws.table.fault(*[aws.table.internal] * 1000)
    elif fault == "reset":
        aws.table.reset_next(1000)
    else:
        held = aws.table.hold()
    function.fail(event, "s3link.LedgerError", timeout_seconds=SHORT)
    assert aws.ses.requests == []
    assert function.logged("mail failed")[0]["outcome"] == "s3link.LedgerError"
    if held:
        held.drop()
    aws.table.forget_faults()
    assert function.retry(event)["delivered"] == 1 and len(aws.mails) == 1


def test_a_table_that_does_not_exist_is_named(make_function):
    function = make_function(environment={"LedgerTableName": "AnotherTable"})
    message = function.fail(event_of(function.aws, "a.txt"), "s3link.LedgerError", timeout_seconds=SHORT)
    assert "ResourceNotFound" in message or "not found" in message
    assert function.aws.ses.requests == []


def test_a_mail_that_cannot_be_recorded_is_a_delivery_with_a_warning(function):
    aws = function.aws
    holds = []

    def hold_the_record(_):
        holds.append(aws.table.hold())

    aws.ses.fault(hold_the_record)
    event = event_of(aws, "a.txt")
    assert function.succeed(event, timeout_seconds=SHORT)["delivered"] == 1
    assert "may come twice" in function.logged("mail sent, not recorded")[0]["note"]
    holds[0].drop()
    # Until the lease ends nobody sends it again.
    function.fail(event, "s3link.InProgress")
    assert len(aws.mails) == 1


# -- without a ledger ---------------------------------------------------------------------------------------------------


@pytest.fixture
def forgetful(make_function):
    return make_function(parameters={"Ledger": "Disabled", "Sweep": "Disabled"})


def test_without_a_ledger_a_repeated_event_repeats_the_mail(forgetful):
    event = event_of(forgetful.aws, "a.txt")
    for _ in range(2):
        assert forgetful.succeed(event) == {"delivered": 1, "dropped": 0, "duplicates": 0, "swept": 0}
    one, two = ids_of(forgetful.aws)
    assert one == two and "DYNAMODB" not in forgetful.aws.peers


def test_without_a_ledger_a_sweep_is_refused(forgetful):
    message = forgetful.fail(schedule(), "s3link.SweepNeedsLedger")
    assert "ledger" in message and forgetful.aws.mails == []
