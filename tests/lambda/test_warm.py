"""A thousand invocations of one environment."""

from function_harness import ROLE
from link_checks import check_link
from s3_events import event_of

MEBIBYTE = 1024 * 1024


def test_a_thousand_warm_invocations(make_function):
    function = make_function(tls=True)
    aws = function.aws
    early = None
    for number in range(1, 1001):
        assert function.succeed(event_of(aws, f"folder/{number}.txt"))["delivered"] == 1
        if number == 100:
            early, descriptors = function.resident_bytes("VmRSS"), function.descriptor_count()
    assert function.resident_bytes("VmRSS") - early < 2 * MEBIBYTE
    assert function.descriptor_count() <= descriptors
    assert function.resident_bytes("VmHWM") < 32 * MEBIBYTE
    assert sorted(mail.data["KEY"] for mail in aws.mails) == sorted(f"folder/{number}.txt" for number in range(1, 1001))
    for mail in aws.mails[::100]:
        check_link(aws, mail, mail.data["KEY"], ROLE)
    # Connections are kept: what Lambda bills is not spent on handshakes.
    assert [peer.connection_count for peer in aws.peers.values()] == [1, 1]
    assert function.runtime.connection_count == 1


def test_failures_leave_nothing_behind(make_function):
    """Lost connections and refusals, in turns."""
    function = make_function(parameters={"Ledger": "Disabled", "Sweep": "Disabled"}, tls=True)
    aws = function.aws
    faults = [aws.ses.accepted_then_dropped, aws.ses.unverified, None]
    for number in range(300):
        aws.ses.fault(faults[number % 3])
        assert function.invoke(event_of(aws, f"{number}.txt")).kind == ("response" if number % 3 == 2 else "error")
        if number == 60:
            early, descriptors = function.resident_bytes("VmRSS"), function.descriptor_count()
    assert function.resident_bytes("VmRSS") - early < 2 * MEBIBYTE
    assert function.descriptor_count() <= descriptors + 1


def test_large_events_do_not_keep_their_memory(function):
    aws = function.aws
    events = [event_of(aws, *(f"{turn}/{number:04}/{'k' * 900}" for number in range(60))) for turn in range(12)]
    sizes = []
    for event in events:
        assert function.succeed(event)["delivered"] == 60
        sizes.append(function.resident_bytes("VmRSS"))
    assert sizes[-1] - sizes[2] < 2 * MEBIBYTE, sizes
