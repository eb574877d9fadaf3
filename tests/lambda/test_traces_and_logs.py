"""What the function tells: segments to X-Ray, lines to the log, numbers to CloudWatch; and nothing that is secret."""

import socket

import pytest
from function_harness import REGION, ROLE
from s3_events import event_of, notification, record, schedule, test_event
from xray_listener import flat, trace_header

SHORT = 4  # seconds of a deadline that is to be met


def parts(header):
    return dict(part.split("=", 1) for part in header.split(";"))


def segments_of(function, header, *names):
    """The trace's segments, children after parents, once those of these names are there."""
    def complete(documents):
        return set(names) <= {segment["name"] for segment in flat(documents)}
    return flat(function.aws.xray.wait_for_trace(header, complete))


def traced(function, event, **options):
    """Has an event handled, in a trace of its own. (invocation, segments)"""
    header = trace_header()
    invocation = function.invoke(event, trace_header=header, **options)
    return invocation, segments_of(function, header, "parse", "record")


def named(segments, name):
    return [segment for segment in segments if segment["name"] == name]


def operations(segments):
    return [(segment["name"], segment["aws"]["operation"]) for segment in segments if segment.get("namespace") == "aws"]


# -- X-Ray --------------------------------------------------------------------------------------------------------------


def test_every_step_has_its_segment(make_function):
    function = make_function(tls=True)
    header = trace_header(more=";Lineage=25:a87bd80c:0")
    function.succeed(event_of(function.aws, "a.txt"), trace_header=header)
    documents = function.aws.xray.wait_for_trace(header, lambda found: named(found, "record"))
    assert {document["parent_id"] for document in documents} == {parts(header)["Parent"]}
    assert [document["name"] for document in documents] == ["parse", "record"]
    whole = named(documents, "record")[0]
    assert whole["metadata"]["default"] == {"bucket": function.aws.bucket, "key": "a.txt"}
    steps = [step["name"] for step in whole["subsegments"]]
    assert steps[0] == "sign" and steps.count("SES") == 1
    assert steps.index("SES") > steps.index("DynamoDB") and steps[-1] == "DynamoDB"
    ses, = named(whole["subsegments"], "SES")
    assert ses["namespace"] == "aws" and ses["http"]["response"]["status"] == 200
    assert (ses["aws"]["operation"], ses["aws"]["region"]) == ("SendEmail", REGION)
    assert "retries" not in ses["aws"] and ses["aws"]["request_id"]
    for step in named(whole["subsegments"], "DynamoDB"):
        assert f"dynamodb:{step['aws']['operation']}" in function.aws.allowed_actions()
        assert step["namespace"] == "aws" and step["aws"]["region"] == REGION
    assert not any(segment.get(flag) for segment in flat(documents) for flag in ("error", "fault", "throttle"))


def test_records_have_segments_of_their_own(function):
    header = trace_header()
    function.succeed(event_of(function.aws, "a.txt", "b.txt", "c.txt"), trace_header=header)
    documents = function.aws.xray.wait_for_trace(header, lambda found: len(named(found, "record")) == 3)
    assert sorted(document["metadata"]["default"]["key"] for document in named(documents, "record")) == [
        "a.txt", "b.txt", "c.txt"]


def test_a_hundred_records_fit_the_daemon(function):
    header = trace_header()
    function.succeed(event_of(function.aws, *(f"{number}.txt" for number in range(100))), trace_header=header)
    # UDP may lose some of a burst; each that came was looked at by the listener.
    function.aws.xray.wait_for_trace(header, lambda found: len(named(found, "record")) >= 20)


def test_retries_are_counted(function):
    aws = function.aws
    aws.ses.fault(aws.ses.throttled, aws.ses.unavailable)
    _, segments = traced(function, event_of(aws, "a.txt"))
    ses, = named(segments, "SES")
    assert ses["aws"]["retries"] == 2 and ses["http"]["response"]["status"] == 200
    assert not ses.get("fault") and not ses.get("error")


@pytest.mark.parametrize("fault, flags, status", [
    ("throttled", {"error", "throttle"}, 429), ("unavailable", {"fault"}, 503), ("unverified", {"error"}, 400)])
def test_a_failure_has_its_flags(function, fault, flags, status):
    aws = function.aws
    aws.ses.fault(*[getattr(aws.ses, fault)] * 1000)
    invocation, segments = traced(function, event_of(aws, "a.txt"), timeout_seconds=SHORT)
    assert invocation.kind == "error"
    ses, = named(segments, "SES")
    assert {flag for flag in ("error", "fault", "throttle") if ses.get(flag)} == flags
    assert ses["http"]["response"]["status"] == status
    whole, = named(segments, "record")
    assert whole.get("fault") or whole.get("error")
    assert whole["cause"]["exceptions"][0]["type"] == invocation.error_type


def test_a_lost_answer_is_a_fault(function):
    aws = function.aws
    aws.ses.fault(aws.ses.accepted_then_dropped)
    _, segments = traced(function, event_of(aws, "a.txt"))
    ses, = named(segments, "SES")
    assert ses["fault"] and ses["cause"]["exceptions"]


def test_an_invalid_event_is_an_error_of_parsing(function):
    header = trace_header()
    function.fail(b"{", "s3link.InvalidEvent", trace_header=header)
    parsing, = segments_of(function, header, "parse")
    assert parsing["error"] and parsing["cause"]["exceptions"][0]["type"] == "s3link.InvalidEvent"


def test_a_sweep_is_traced(make_aws, make_function):
    aws = make_aws()
    aws.listing()
    header = trace_header()
    make_function(aws).succeed(schedule(), trace_header=header)
    function_segments = flat(aws.xray.wait_for_trace(header, lambda found: named(found, "sweep")))
    assert ("S3", "ListObjectsV2") in operations(function_segments)


def test_a_trace_that_is_not_sampled_is_not_sent(function):
    for header in (trace_header(sampled=False), "Root=1-67891233-abcdef012345678912345678", "nonsense", ""):
        function.succeed(event_of(function.aws, f"{header}.txt"), trace_header=header)
    sampled = trace_header()
    function.succeed(event_of(function.aws, "last.txt"), trace_header=sampled)
    segments_of(function, sampled, "parse", "record")  # datagrams keep their order on loopback
    assert {document["trace_id"] for document in function.aws.xray.documents} == {parts(sampled)["Root"]}


@pytest.mark.parametrize("address", ["closed", None])
def test_without_a_daemon_the_work_goes_on(make_function, address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        # A socket that is connected elsewhere takes nothing from others: they get "port unreachable".
        closed.connect(("127.0.0.1", 9))
        environment = {"AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{port}" if address else None}
        function = make_function(environment=environment)
        for number in range(3):
            function.succeed(event_of(function.aws, f"{number}.txt"), trace_header=trace_header())
    assert len(function.aws.mails) == 3 and function.aws.xray.documents == []


def test_both_addresses_of_the_daemon_may_be_given(make_aws, make_function):
    aws = make_aws()
    function = make_function(aws, environment={
        "AWS_XRAY_DAEMON_ADDRESS": f"tcp:127.0.0.1:9 udp:{aws.xray.address}"})
    _, segments = traced(function, event_of(aws, "a.txt"))
    assert named(segments, "SES")


# -- log ----------------------------------------------------------------------------------------------------------------


def test_a_record_has_a_line_that_says_all(function):
    header = trace_header(sampled=False)
    function.succeed(event_of(function.aws, "a b.txt"), trace_header=header, request_id="7c6f1bb6-request")
    line, = function.logged("mail sent")
    mail, = function.aws.mails
    assert line["request_id"] == "7c6f1bb6-request" and line["trace_id"] == parts(header)["Root"]
    assert (line["bucket"], line["key"], line["recipient"]) == (function.aws.bucket, "a b.txt", "ann@example.org")
    assert line["outcome"] == "delivered" and line["message_id"] == mail.message_id and line["level"] == "INFO"
    assert line["deadline"] < line["removed_at"]


def test_every_invocation_has_a_line(function):
    bucket = function.aws.bucket
    events = [event_of(function.aws, "a.txt", "b.txt"), test_event(bucket), b"nonsense",
              notification(record(bucket, "folder/", size=0))]
    for event in events:
        function.invoke(event)
    ended = function.logged("invocation ended")
    assert [line["request_id"] for line in ended] == [one.request_id for one in function.runtime.invocations]
    assert [line["trace_id"] for line in ended] == [
        parts(one.trace_header)["Root"] for one in function.runtime.invocations]
    assert [line["outcome"] for line in ended] == ["done", "done", "s3link.InvalidEvent", "done"]
    assert [(line["delivered"], line["dropped"]) for line in ended] == [("2", "0"), ("0", "1"), ("0", "0"), ("0", "1")]


def test_every_line_of_an_invocation_names_it(function):
    aws = function.aws
    aws.ses.fault(aws.ses.unverified)
    function.invoke(event_of(aws, "a.txt", "b.txt", "../c.txt", "folder/"))
    request_id = function.runtime.invocations[0].request_id
    lines = [line for line in function.log_lines() if "_aws" not in line]
    lines = lines[next(index for index, line in enumerate(lines) if "request_id" in line):]
    assert len(lines) >= 5 and {line.get("request_id") for line in lines} == {request_id}
    assert {"timestamp", "level", "message"} <= set.intersection(*map(set, lines))


def test_text_from_outside_cannot_forge_a_line(function):
    key = 'x\n{"level":"info","message":"mail sent","request_id":"forged"}\r\x1b[31m\u2028.txt'
    function.succeed(event_of(function.aws, key))
    assert [line["key"] for line in function.logged("mail sent")] == [key]
    assert "\x1b" not in function.log()


# -- numbers ------------------------------------------------------------------------------------------------------------


def metrics_of(function):
    """The values of each embedded-metrics document, after a look at its form.
    Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format"."""
    found = []
    for line in function.log_lines():
        if "_aws" not in line:
            continue
        head = line["_aws"]
        assert isinstance(head["Timestamp"], int) and head["Timestamp"] > 1.7e12
        values = {}
        for directive in head["CloudWatchMetrics"]:
            assert directive["Namespace"]
            for dimensions in directive["Dimensions"]:
                assert len(dimensions) <= 30 and all(isinstance(line[name], str) for name in dimensions)
            for metric in directive["Metrics"]:
                assert metric["Unit"] == ("Milliseconds" if metric["Name"] == "Duration" else "Count")
                assert isinstance(line[metric["Name"]], (int, float))
                values[metric["Name"]] = line[metric["Name"]]
        found.append(values)
    return found


def test_numbers_are_embedded_metrics(function):
    aws = function.aws
    event = event_of(aws, "a.txt", "b.txt")
    function.succeed({"Records": [*event["Records"], record(aws.bucket, "folder/", size=0)]}, request_id="the-first")
    function.succeed(event)
    aws.ses.fault(aws.ses.unverified)
    function.invoke(event_of(aws, "c.txt"))
    metrics = metrics_of(function)
    assert all(values.pop("Duration") >= 0 for values in metrics)
    assert metrics == [
        {"Delivered": 2, "Failed": 0, "Dropped": 1, "Duplicate": 0},
        {"Delivered": 0, "Failed": 0, "Dropped": 0, "Duplicate": 2},
        {"Delivered": 0, "Failed": 1, "Dropped": 0, "Duplicate": 0},
    ]
    assert [line for line in function.log_lines() if "_aws" in line][0]["request_id"] == "the-first"


# -- secrets ------------------------------------------------------------------------------------------------------------


def canonical_words(request):
    """What AWS says to a wrong signature: all that it was computed from, the session's token included."""
    lines = "\n".join(f"{name.lower()}:{value}" for name, value in sorted(request.headers))
    return ("The request signature we calculated does not match the signature you provided. The Canonical String for this "
            f"request should have been\n'{request.method}\n{request.target}\n\n{lines}'")


def test_no_secret_is_told_whatever_fails(make_function):
    """Every path that prints something, with a sampled trace; the links are in mails and nowhere else."""
    function = make_function(parameters={"LinkSigner": "IamUser"}, tls=True)
    aws = function.aws

    def tell(event, *faults, **options):
        aws.ses.fault(*faults)
        function.invoke(event, trace_header=trace_header(), **options)
        aws.ses.forget_faults()

    tell(event_of(aws, "a.txt"))
    tell(event_of(aws, "b.txt"), lambda request: aws.ses.error(400, "BadRequestException", request.body.decode()))
    tell(event_of(aws, "c.txt"), lambda request: aws.ses.error(403, "SignatureDoesNotMatch", canonical_words(request)))
    tell(event_of(aws, "d.txt"), aws.ses.accepted_then_dropped)
    tell(event_of(aws, "e.txt"), *[aws.ses.unavailable] * 1000, timeout_seconds=SHORT)
    tell({"Records": [ROLE.session_token]})
    last = trace_header()
    function.succeed(event_of(aws, "f.txt"), trace_header=last)
    segments_of(function, last, "record")
    function.stop()  # which looks through all of it
