"""SES refuses, breaks off, is slow or silent: what is retried, what is answered, and that nothing is sent twice unsaid."""

import json
import re

import http_peer
import pytest
from function_harness import ARCHITECTURES, ROLE
from link_checks import check_link
from s3_events import event_of

SHORT = 4  # seconds of a deadline that is to be met


@pytest.mark.parametrize("fault", ["throttled", "unavailable", "internal"])
def test_what_can_pass_is_tried_again(function, fault):
    aws = function.aws
    aws.ses.fault(*[getattr(aws.ses, fault)] * 2)
    assert function.succeed(event_of(aws, "a.txt"))["delivered"] == 1
    assert len(aws.ses.requests) == 3 and len(aws.mails) == 1
    check_link(aws, aws.mails[0], "a.txt", ROLE)


@pytest.mark.parametrize("fault, words", [("throttled", "Maximum sending rate"), ("unavailable", "unavailable")])
def test_what_does_not_pass_in_time_fails_before_the_deadline(function, fault, words):
    aws = function.aws
    aws.ses.fault(*[getattr(aws.ses, fault)] * 1000)
    event = event_of(aws, "a.txt")
    message = function.fail(event, "s3link.MailFailed", timeout_seconds=SHORT)
    assert words in message and "a.txt" in message
    assert 2 < len(aws.ses.requests) < 200  # with pauses between
    aws.ses.forget_faults()
    # Certainly not sent, so the claim was given back: the retry need not wait for it.
    assert function.succeed(event)["delivered"] == 1 and len(aws.mails) == 1


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("reused", [False, True], ids=["new connection", "reused connection"])
def test_a_reset_may_have_been_sent(make_function, tls, reused):
    function = make_function(tls=tls)
    aws = function.aws
    if reused:
        function.succeed(event_of(aws, "first.txt"))
    aws.ses.reset_next()
    event = event_of(aws, "a.txt")
    function.fail(event, "s3link.MailMaybeSent")
    assert "may have been sent" in function.logged("mail failed")[0]["note"]
    assert function.retry(event)["delivered"] == 1
    assert [mail.data["KEY"] for mail in aws.mails] == ["first.txt", "a.txt"][not reused:]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_accepted_then_dropped_is_sent_again_under_the_same_id(make_function, architecture):
    function = make_function(architecture=architecture, tls=True)
    aws = function.aws
    aws.ses.fault(aws.ses.accepted_then_dropped)
    event = event_of(aws, "a.txt")
    first = function.invoke(event)
    assert first.error_type == "s3link.MailMaybeSent" and len(aws.mails) == 1 and len(aws.ses.requests) == 1
    # Another invocation cannot know; Lambda's retry carries the same request id, and is the one that holds the claim.
    function.fail(event, "s3link.InProgress")
    assert function.succeed(event, request_id=first.request_id)["delivered"] == 1
    one, two = aws.mails
    assert one.headers["X-s3link-Id"] == two.headers["X-s3link-Id"]
    assert function.succeed(event)["duplicates"] == 1 and len(aws.mails) == 2


def test_what_is_no_answer_of_ses_may_have_been_sent(function):
    aws = function.aws
    aws.ses.fault(http_peer.Answer(502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>"))
    event = event_of(aws, "a.txt")
    function.fail(event, "s3link.MailMaybeSent")
    assert function.retry(event)["delivered"] == 1 and len(aws.mails) == 1


def test_an_answer_without_a_message_id_may_have_been_sent(function):
    aws = function.aws
    aws.ses.fault(http_peer.Answer.of_json({"Surprise": 1}))
    function.fail(event_of(aws, "a.txt"), "s3link.MailMaybeSent")


def test_a_slow_answer_is_waited_for(function):
    aws = function.aws
    held = aws.ses.hold()
    invocation = function.submit(event_of(aws, "a.txt"))
    held.wait_taken()
    assert not invocation.answered
    held.release()
    assert function.finish(invocation).json()["delivered"] == 1 and len(aws.mails) == 1


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_silent_ses_is_answered_for_before_the_deadline(make_function, architecture):
    function = make_function(architecture=architecture)
    aws = function.aws
    held = aws.ses.hold()
    event = event_of(aws, "a.txt")
    first = function.invoke(event, timeout_seconds=SHORT)
    assert first.error_type == "s3link.MailMaybeSent" and first.seconds < SHORT
    assert function.process.poll() is None
    held.drop()
    assert function.succeed(event, request_id=first.request_id)["delivered"] == 1
    assert len(aws.mails) == 1 and function.runtime.next_count >= 2


def test_no_mail_is_begun_when_the_time_is_over(function):
    aws = function.aws
    message = function.fail(event_of(aws, "a.txt"), "s3link.OutOfTime", timeout_seconds=1)
    assert "a.txt" in message and aws.ses.requests == [] and aws.table.operations == []
    assert function.succeed(event_of(aws, "b.txt"))["delivered"] == 1


def test_many_records_with_a_silent_ses_are_answered_for_in_time(function):
    aws = function.aws
    held = aws.ses.hold()
    event = event_of(aws, *(f"{number}.txt" for number in range(30)))
    message = function.fail(event, "s3link.MailMaybeSent", timeout_seconds=SHORT)
    assert "30 of 30 records failed" in message
    held.drop()
    aws.table.time_passes(120)
    assert function.succeed(event)["delivered"] == 30 and len(aws.mails) == 30


# -- refused for good ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault, code, advice", [
    ("unverified", "MessageRejected", "verif"),
    ("domain_not_verified", "MailFromDomainNotVerifiedException", "MAIL FROM"),
    ("suspended", "AccountSuspendedException", "account"),
    ("paused", "SendingPausedException", "paus"),
])
def test_a_refusal_says_what_to_do(function, fault, code, advice):
    aws = function.aws
    aws.ses.fault(getattr(aws.ses, fault))
    event = event_of(aws, "a.txt")
    function.fail(event, "s3link.MailRefused")
    line, = function.logged("mail failed")
    assert line["code"] == code and re.search(advice, line["advice"], re.IGNORECASE), line
    assert line["level"] == "ERROR" and line["recipient"] == "ann@example.org" and line["key"] == "a.txt"
    assert len(aws.ses.requests) == 1  # not tried again within the invocation
    assert function.succeed(event)["delivered"] == 1 and len(aws.mails) == 1


def test_a_template_that_does_not_exist_is_named(function):
    aws = function.aws
    aws.ses.template_name, template = "Another", aws.ses.template_name
    event = event_of(aws, "a.txt")
    assert template in function.fail(event, "s3link.MailRefused")
    assert "template" in function.logged("mail failed")[0]["advice"]
    aws.ses.template_name = template
    assert function.succeed(event)["delivered"] == 1


def test_a_configuration_set_that_does_not_exist_is_named(function):
    aws = function.aws
    aws.ses.configuration_set, name = "Another", aws.ses.configuration_set
    assert name in function.fail(event_of(aws, "a.txt"), "s3link.MailRefused")
    assert aws.mails == []


def test_a_refused_recipient_does_not_keep_the_others_from_theirs(make_function):
    function = make_function(parameters={"EmailRecipient": "ann@example.org,bob@example.org,cy@example.org"})
    aws = function.aws

    def refuse_bob(request):
        return aws.ses.unverified() if b"bob@example.org" in request.body else None

    aws.ses.fault(*[refuse_bob] * 3)
    event = event_of(aws, "a.txt")
    assert "bob@example.org" in function.fail(event, "s3link.MailRefused")
    assert [mail.recipient for mail in aws.mails] == ["ann@example.org", "cy@example.org"]
    answer = function.succeed(event)
    assert (answer["delivered"], answer["duplicates"]) == (1, 2)
    assert [mail.recipient for mail in aws.mails] == ["ann@example.org", "cy@example.org", "bob@example.org"]


def test_credentials_that_ended_are_refused_not_hammered(function):
    aws = function.aws
    aws.ses.expired.add(ROLE.access_key_id)
    invocation = function.invoke(event_of(aws, "a.txt"))
    assert invocation.kind == "error" and len(aws.ses.requests) <= 2
    aws.ses.expired.clear()
    assert function.succeed(event_of(aws, "b.txt"))["delivered"] == 1


def test_one_failure_of_a_hundred_is_retried_alone(function):
    aws = function.aws
    keys = [f"{number}.txt" for number in range(100)]

    def refuse_one(request):
        return aws.ses.unverified() if json.loads(
            request.json()["Content"]["Template"]["TemplateData"])["KEY"] == "42.txt" else None

    aws.ses.fault(*[refuse_one] * 100)
    event = event_of(aws, *keys)
    assert "1 of 100 records failed" in function.fail(event, "s3link.MailRefused")
    assert len(aws.mails) == 99
    answer = function.succeed(event)
    assert (answer["delivered"], answer["duplicates"]) == (1, 99)
    assert sorted(mail.data["KEY"] for mail in aws.mails) == sorted(keys)
