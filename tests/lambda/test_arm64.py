"""The arm64 build, under its emulator: a part of each of the other files. (Some of those run for both.)"""

import signal

import http_peer
import pytest
import runtime_api
from function_harness import ROLE
from link_checks import check_link
from s3_events import event_of, schedule
from test_sweep import put
from xray_listener import flat, trace_header


@pytest.fixture
def function(make_function):
    return make_function(architecture="arm64", tls=True)


def test_many_records_with_keys_of_all_kinds(function):
    keys = ["a b+c%20.txt", "😀/ä.txt", "€" * 341, *(f"{number}.txt" for number in range(40))]
    event = event_of(function.aws, *keys)
    assert function.succeed(event, chunked=True)["delivered"] == len(keys)
    mails = {mail.data["KEY_TEXT"]: mail for mail in function.aws.mails}
    for key in keys:
        check_link(function.aws, mails[key], key, ROLE)
    assert function.succeed(event)["duplicates"] == len(keys)


def test_an_init_error_lists_every_problem(make_function):
    function = make_function(architecture="arm64", environment={"EmailRecipient": "", "LinkExpirationPeriod": "0"})
    assert function.wait_exit() != 0
    message = function.runtime.init_error.json()["errorMessage"]
    assert "EmailRecipient" in message and "LinkExpirationPeriod" in message


def test_an_invalid_event_and_a_refusal_and_then_a_mail(function):
    aws = function.aws
    function.fail(b"nonsense", "s3link.InvalidEvent")
    aws.ses.fault(aws.ses.unverified, aws.ses.throttled)
    function.fail(event_of(aws, "a.txt"), "s3link.MailRefused")
    assert function.succeed(event_of(aws, "a.txt"))["delivered"] == 1


def test_kill_and_takeover(make_function, function):
    aws = function.aws
    event = event_of(aws, "a.txt")
    held = aws.ses.hold()
    function.submit(event)
    held.wait_taken()
    function.kill()
    held.drop()
    aws.table.time_passes(120)
    assert make_function(aws, architecture="arm64").succeed(event)["delivered"] == 1
    assert len(aws.mails) == 1


def test_a_sweep(make_aws, make_function):
    aws = make_aws(tls=True)
    aws.listing()
    put(aws, "lost.txt", "ü b+.txt")
    function = make_function(aws, architecture="arm64")
    assert [function.succeed(schedule())["swept"] for _ in range(2)] == [2, 0]


def test_a_trace(function):
    header = trace_header()
    function.succeed(event_of(function.aws, "a.txt"), trace_header=header)
    documents = function.aws.xray.wait_for_trace(header, lambda found: len(found) == 2)
    assert "SES" in {segment["name"] for segment in flat(documents)}


def test_lost_answers_and_dead_connections(function):
    aws = function.aws
    function.runtime.fault_answer(runtime_api.Lost, http_peer.Drop)
    assert function.succeed(event_of(aws, "a.txt"))["delivered"] == 1
    assert function.succeed(event_of(aws, "b.txt"))["delivered"] == 1
    assert [peer.close_idle() for peer in aws.peers.values()] == [1, 1]
    assert function.succeed(event_of(aws, "c.txt"))["delivered"] == 1
    assert len(aws.mails) == 3


def test_sigterm_lets_the_running_invocation_end(function):
    held = function.aws.ses.hold()
    invocation = function.submit(event_of(function.aws, "a.txt"))
    held.wait_taken()
    function.process.send_signal(signal.SIGTERM)
    held.release()
    assert function.finish(invocation).kind == "response" and function.wait_exit() == 0
