"""The Runtime API as Lambda plays it: frozen environments, connections that end, answers that get lost, and the end."""

import signal

import http_peer
import pytest
import runtime_api
from function_harness import ROLE
from link_checks import check_link
from s3_events import event_of


@pytest.fixture
def forgetful(make_function):
    """Without a ledger, so that whatever is handled twice is mailed twice."""
    return make_function(parameters={"Ledger": "Disabled", "Sweep": "Disabled"}, tls=True)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_connections_that_died_in_the_freezer_are_replaced(make_function, tls):
    function = make_function(tls=tls)
    aws = function.aws
    function.succeed(event_of(aws, "a.txt"))
    function.wait_polling()
    function.freeze()
    assert [peer.close_idle() for peer in aws.peers.values()] == [1, 1]
    function.thaw()
    assert function.succeed(event_of(aws, "b.txt"))["delivered"] == 1
    assert [len(aws.mails), len(aws.ses.requests), aws.ses.connection_count] == [2, 2, 2]


def test_a_poll_that_died_in_the_freezer_is_asked_again(function):
    function.succeed(event_of(function.aws, "a.txt"))
    function.wait_polling()
    function.freeze()
    function.runtime.fault_next(http_peer.Drop)
    function.runtime.wait(lambda: function.runtime.waiting == 0, what="the poll's end")
    function.thaw()
    assert function.succeed(event_of(function.aws, "b.txt"))["delivered"] == 1


def test_polls_that_fail_are_asked_again(make_function):
    function = make_function(start=False)
    function.runtime.fault_next(http_peer.Drop, http_peer.Answer(403, {}, b"{}"), http_peer.Drop)
    function.start()
    assert function.succeed(event_of(function.aws, "a.txt"))["delivered"] == 1
    assert function.runtime.next_count >= 4


def test_an_answer_that_arrived_but_was_not_confirmed_is_not_repeated(forgetful):
    aws = forgetful.aws
    forgetful.runtime.fault_answer(http_peer.Drop)
    assert forgetful.succeed(event_of(aws, "a.txt"))["delivered"] == 1
    assert forgetful.succeed(event_of(aws, "b.txt"))["delivered"] == 1
    assert [mail.data["KEY"] for mail in aws.mails] == ["a.txt", "b.txt"]


def test_an_answer_that_was_lost_is_sent_again_without_the_work(forgetful):
    aws = forgetful.aws
    forgetful.runtime.fault_answer(runtime_api.Lost)
    assert forgetful.succeed(event_of(aws, "a.txt"))["delivered"] == 1
    assert len(aws.mails) == 1
    assert forgetful.succeed(event_of(aws, "b.txt"))["delivered"] == 1
    assert len(aws.mails) == 2


def test_an_answer_that_is_taken_to_be_too_large_becomes_an_error(forgetful):
    forgetful.runtime.fault_answer(http_peer.Answer(413, {}, b"{}"))
    forgetful.fail(event_of(forgetful.aws, "a.txt"), "s3link.ResponseTooLarge")


def test_a_refused_answer_does_not_end_the_function(forgetful):
    forgetful.runtime.fault_answer(http_peer.Answer(400, {}, b'{"errorType":"InvalidRequestID"}'))
    refused = forgetful.submit(event_of(forgetful.aws, "a.txt"))
    assert forgetful.succeed(event_of(forgetful.aws, "b.txt"))["delivered"] == 1
    assert not refused.answered


def test_a_runtime_api_that_is_broken_ends_the_function(make_function):
    """Lambda Developer Guide, "Next invocation": a runtime exits promptly at a container error."""
    function = make_function(start=False)
    function.runtime.fault_next(http_peer.Answer(500, {}, b"{}"))
    function.start()
    assert function.wait_exit() not in (0, None)
    assert function.log_lines()[-1]["level"] == "ERROR"


def test_chunked_events_are_read(function):
    aws = function.aws
    event = event_of(aws, *(f"{number}.txt" for number in range(50)))
    assert function.succeed(event, chunked=True)["delivered"] == 50
    assert function.succeed(event, chunked=False)["duplicates"] == 50


def test_an_invocation_without_a_deadline_is_refused(function):
    invocation = function.submit(event_of(function.aws, "a.txt"), timeout_seconds=-1e10)
    function.finish(invocation)
    assert invocation.error_type in ("s3link.InvalidInvocation", "s3link.OutOfTime") and function.aws.mails == []
    function.runtime.invocations.remove(invocation)  # its deadline cannot be kept
    assert function.succeed(event_of(function.aws, "b.txt"))["delivered"] == 1


@pytest.mark.parametrize("polling", [True, False], ids=["waiting", "starting"])
def test_sigterm_ends_it(make_function, polling):
    function = make_function()
    if polling:
        function.wait_polling()
        function.process.send_signal(signal.SIGTERM)
        assert function.wait_exit() == 0
    else:
        function.process.send_signal(signal.SIGTERM)  # before a handler may be there
        assert function.wait_exit() in (0, -signal.SIGTERM)


def test_sigterm_lets_the_running_invocation_end(function):
    aws = function.aws
    held = aws.ses.hold()
    invocation = function.submit(event_of(aws, "a.txt"))
    waits = function.submit(event_of(aws, "b.txt"))
    held.wait_taken()
    function.process.send_signal(signal.SIGTERM)
    held.release()
    assert function.finish(invocation).json()["delivered"] == 1
    assert function.wait_exit() == 0 and not waits.answered
    check_link(aws, aws.mails[0], "a.txt", ROLE)
    assert len(aws.mails) == 1


def test_sigterm_while_frozen_ends_it_when_thawed(function):
    function.wait_polling()
    function.freeze()
    function.process.send_signal(signal.SIGTERM)
    function.thaw()
    assert function.wait_exit() == 0
