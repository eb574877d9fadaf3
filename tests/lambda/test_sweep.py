"""The sweep finds the files that no event told of, mails each once, and leaves all others alone."""

import datetime
import hashlib

import pytest
from function_harness import ROLE
from link_checks import check_link
from s3_events import event_of, notification, record, schedule

PAGES = 20  # of a run
SHORT = 4  # seconds of a deadline that is to be met
NOTHING = {"delivered": 0, "dropped": 0, "duplicates": 0, "swept": 0}


def minutes_ago(minutes):
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes)


@pytest.fixture
def aws(make_aws):
    aws = make_aws()
    aws.listing()
    return aws


@pytest.fixture
def function(make_function, aws):
    return make_function(aws)


def put(aws, *keys, age_minutes=60, size=1024):
    for key in keys:
        etag = hashlib.md5(f"{aws.bucket}/{key}".encode()).hexdigest()  # as s3_events.record
        aws.s3.objects[key] = (size, etag, minutes_ago(age_minutes))


def event_about(aws, key, sequencer=None):
    """The event of an object that put() made."""
    _, etag, modified = aws.s3.objects[key]
    return notification(record(aws.bucket, key, etag=etag, when=modified, sequencer=sequencer))


def swept(function):
    answer = function.succeed(schedule())
    assert answer["swept"] == answer["delivered"] and answer["dropped"] == 0, answer
    return answer["swept"]


def keys_of(aws):
    return [mail.data["KEY_TEXT"] for mail in aws.mails]


def test_an_empty_bucket_has_nothing_to_mail(function):
    assert function.succeed(schedule()) == NOTHING


def test_a_file_whose_event_was_lost_is_mailed_once(function, aws):
    put(aws, "told.txt", "lost 1 + ü.txt", "lost 2.txt")
    function.succeed(event_about(aws, "told.txt"))
    assert swept(function) == 2
    assert sorted(keys_of(aws)) == ["lost 1 + ü.txt", "lost 2.txt", "told.txt"]
    for mail in aws.mails:
        check_link(aws, mail, mail.data["KEY_TEXT"], ROLE)
    assert swept(function) == 0 and len(aws.mails) == 3


def test_the_event_that_comes_after_the_sweep_mails_nothing(function, aws):
    put(aws, "late.txt")
    assert swept(function) == 1
    assert function.succeed(event_about(aws, "late.txt"))["duplicates"] == 1
    assert swept(function) == 0 and len(aws.mails) == 1


def test_a_young_file_is_left_to_its_event(function, aws):
    put(aws, "young.txt", age_minutes=14)
    put(aws, "old.txt", age_minutes=16)
    assert swept(function) == 1
    assert keys_of(aws) == ["old.txt"]


def test_folder_markers_and_keys_without_a_link_are_passed_over(function, aws):
    put(aws, "folder/", size=0)
    put(aws, "a/../b.txt", "real.txt")
    assert swept(function) == 1
    assert keys_of(aws) == ["real.txt"]
    assert function.logged("object passed over by the sweep")[0]["key"] == "a/../b.txt"


def test_the_same_file_uploaded_again_is_found_again(function, aws):
    put(aws, "a.txt", age_minutes=300)
    function.succeed(event_about(aws, "a.txt"))
    put(aws, "a.txt", age_minutes=30)  # the same bytes, and this event was lost
    assert swept(function) == 1
    assert swept(function) == 0 and len(aws.mails) == 2


def test_a_run_ends_after_its_pages_and_the_next_goes_on(function, aws):
    aws.s3.page_size = 2
    keys = [f"{number:03}.txt" for number in range(2 * PAGES + 5)]
    put(aws, *keys)
    assert swept(function) == 2 * PAGES and sorted(keys_of(aws)) == keys[:2 * PAGES]
    assert swept(function) == 5 and sorted(keys_of(aws)) == keys
    requests = len(aws.s3.requests)
    assert swept(function) == 0  # from the beginning again
    assert len(aws.s3.requests) - requests == PAGES
    put(aws, "000 new.txt", "zzz new.txt")
    assert [swept(function), swept(function)] == [1, 1]
    assert len(aws.mails) == len(keys) + 2


def test_the_place_reached_survives_the_environment(function, aws, make_function):
    aws.s3.page_size = 2
    keys = [f"{number:03}.txt" for number in range(2 * PAGES + 2)]
    put(aws, *keys)
    swept(function)
    function.stop()
    assert swept(make_function(aws)) == 2
    assert sorted(keys_of(aws)) == keys


def test_a_full_page_of_known_files_is_passed(function, aws):
    keys = [f"{number:03}.txt" for number in range(100)]
    put(aws, *keys, "lost.txt")
    function.succeed(notification(*(event_about(aws, key)["Records"][0] for key in keys)))
    assert swept(function) == 1 and keys_of(aws)[-1] == "lost.txt"


def test_every_recipient_is_looked_after(make_aws, make_function):
    aws = make_aws(parameters={"EmailRecipient": "ann@example.org,bob@example.org"})
    aws.listing()
    function = make_function(aws)
    put(aws, "a.txt")
    aws.ses.fault(None, aws.ses.unverified)
    function.fail(event_about(aws, "a.txt"), "s3link.MailRefused")
    answer = function.succeed(schedule())
    assert (answer["delivered"], answer["swept"]) == (1, 1)
    assert [mail.recipient for mail in aws.mails] == ["ann@example.org", "bob@example.org"]


def test_two_sweeps_at_once_mail_once(function, aws, make_function):
    other = make_function(aws)
    put(aws, *(f"{number:02}.txt" for number in range(30)))
    both = [function.submit(schedule()), other.submit(schedule())]
    answers = [function.finish(both[0]).json(), other.finish(both[1]).json()]
    assert sum(answer["swept"] for answer in answers) == 30
    assert len(aws.mails) == 30


def test_what_there_was_no_time_for_is_done_by_the_next_run(function, aws):
    keys = [f"{number:02}.txt" for number in range(10)]
    put(aws, *keys)
    held = aws.ses.hold()
    function.fail(schedule(), "s3link.MailMaybeSent", timeout_seconds=SHORT)
    held.drop()
    assert aws.mails == []
    aws.table.time_passes(120)
    while sorted(set(keys_of(aws))) != keys:
        assert swept(function) > 0
    assert len(aws.mails) == len(keys)


def test_a_file_that_is_refused_does_not_stop_the_sweep(function, aws):
    put(aws, *(f"{number}.txt" for number in range(6)))
    aws.ses.fault(aws.ses.unverified)
    assert "1 of 6 records failed" in function.fail(schedule(), "s3link.MailRefused")
    assert len(aws.mails) == 5
    assert swept(function) == 1 and len(aws.mails) == 6


# -- failures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status, code", [(503, "SlowDown"), (500, "InternalError")])
def test_a_listing_that_stumbles_is_asked_for_again(function, aws, status, code):
    put(aws, "a.txt")
    aws.s3.fault(*[lambda _: aws.s3.error(status, code, "Please reduce your request rate.")] * 2)
    assert swept(function) == 1 and len(aws.s3.requests) == 3


@pytest.mark.parametrize("status, code, words", [
    (403, "AccessDenied", "Access Denied"), (404, "NoSuchBucket", "does not exist")])
def test_a_bucket_that_cannot_be_listed_is_named(function, aws, status, code, words):
    put(aws, "a.txt")
    aws.s3.fault(lambda _: aws.s3.error(status, code, words))
    message = function.fail(schedule(), "s3link.SweepFailed")
    assert aws.bucket in message and words in message and aws.mails == []
    assert swept(function) == 1


def test_a_listing_that_is_none_is_refused(function, aws):
    for body in (b"<html>", b"", b'<?xml version="1.0"?><Other/>', b"<ListBucketResult><IsTruncated>true</IsTruncated>"
                 b"</ListBucketResult>"):
        answer = aws.s3.error(200, "", "")
        answer.body = body
        aws.s3.fault(*[answer] * 10)
        function.fail(schedule(), "s3link.SweepFailed", timeout_seconds=SHORT)
        aws.s3.forget_faults()
    put(aws, "a.txt")
    assert swept(function) == 1


def test_a_ledger_that_fails_ends_the_sweep(function, aws):
    put(aws, "a.txt")
    aws.table.fault(*[aws.table.internal] * 1000)
    function.fail(schedule(), "s3link.SweepFailed", timeout_seconds=SHORT)
    assert aws.mails == []
    aws.table.forget_faults()
    assert swept(function) == 1


def test_the_role_allows_what_a_sweep_calls(function, aws):
    put(aws, "a.txt")
    swept(function)
    called = {f"dynamodb:{operation}" for operation in aws.table.operations}
    assert called | {"s3:ListBucket"} <= aws.allowed_actions()


def test_an_event_beside_the_schedule_is_served_as_ever(function, aws):
    put(aws, "a.txt")
    assert swept(function) == 1
    assert function.succeed(event_of(aws, "b.txt"))["delivered"] == 1
