"""Traces from the outside: one trace from the S3 request to the relay's answer, in X-Ray's form and in OpenTelemetry's."""

import json
import pathlib
import re
import secrets
import socket
import subprocess
import time

import pytest
from otlp_collector import OtlpCollector
from relays import ScriptedRelay
from s3link_harness import clean_environment, wait_until
from xray_listener import XRayListener, flat

YOU = "you@example.test"
NODE = "/usr/bin/node"
SCHEMA_CHECK = pathlib.Path(__file__).parent / "node" / "otlp_check.mjs"
PARTS = ["outbox wait", "sign", "render", "relay"]


@pytest.fixture
def xray():
    listener = XRayListener(services=True)
    yield listener
    listener.stop()
    assert listener.complaints == []


@pytest.fixture
def collector():
    with OtlpCollector() as running:
        yield running
    assert running.complaints == []


@pytest.fixture
def relay():
    with ScriptedRelay() as scripted:
        yield scripted


@pytest.fixture
def make_traced(make_server, relay):
    def make(**settings):
        return make_server(settings={
            "email.transport": f"smtp://127.0.0.1:{relay.port}", "email.recipient": YOU, "delivery.first_retry": "1s",
            "delivery.max_retry": "1s", **{f"trace.{name}": str(value) for name, value in settings.items()}})

    return make


def new_trace():
    """A trace id in X-Ray's form, of this moment."""
    return f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"


def upload(server, key, **headers):
    """PUTs an object with these headers, and returns what the server answers as x-amzn-trace-id."""
    s3 = server.s3()
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: request.headers.update(headers))
    answer = s3.put_object(Bucket=server.bucket, Key=key, Body=b"content")
    return answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-trace-id"]


def schema_faults(documents):
    """What OpenTelemetry's protobuf schema finds wrong with OTLP JSON requests."""
    done = subprocess.run([NODE, SCHEMA_CHECK], input=json.dumps(documents), env=clean_environment(), text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def attributes(span):
    return {item["key"]: next(iter(item["value"].values())) for item in span["attributes"]}


def of_trace(spans, trace):
    return [span for span in spans if span["traceId"] == trace[2:].replace("-", "")]


def log_lines(server, message):
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["message"] == message]


def test_one_trace_from_the_request_to_the_relays_answer(make_traced, relay, xray, collector):
    server = make_traced(xray_daemon=xray.address, otlp_endpoint=collector.endpoint)
    trace, parent = new_trace(), secrets.token_hex(8)
    answered = upload(server, "report Q3.pdf", **{"X-Amzn-Trace-Id": f"Root={trace};Parent={parent};Sampled=1"})
    assert answered == f"Root={trace};Sampled=1"
    mail, = wait_until(relay.mails, 30, "the mail")

    # X-Ray: the request, caused by the caller, and the LinkGenerator, caused by the request.
    documents = xray.wait_for_trace(f"Root={trace}", lambda found: len(found) == 2)
    request, = [one for one in documents if one["name"] == "s3link"]
    generator, = [one for one in documents if one["name"] == "LinkGenerator"]
    assert request["parent_id"] == parent and generator["parent_id"] == request["id"]
    assert "type" not in request and "type" not in generator
    assert request["http"]["response"]["status"] == 200
    assert request["annotations"].items() >= {"operation": "PutObject", "bucket": "file-exchange"}.items()
    assert request["metadata"]["default"]["key"] == "report Q3.pdf"
    assert [one["name"] for one in generator["subsegments"]] == PARTS
    told = generator["subsegments"][3]
    assert told["namespace"] == "remote" and told["metadata"]["default"]["reply"].startswith("250 2.0.0 Ok: queued")
    assert generator["annotations"].items() >= {"attempt": "1", "recipients": "1", "outcome": "delivered"}.items()

    # OpenTelemetry: the same ids, the same tree.
    spans = collector.wait_for(lambda all_spans: (found := of_trace(all_spans, trace)) and len(found) == 6 and found)
    by_id = {span["spanId"]: span for span in spans}
    assert set(by_id) == {one["id"] for one in flat(documents)}
    assert {span["name"]: span["kind"] for span in spans} == {
        "s3link": 2, "LinkGenerator": 5, "outbox wait": 1, "sign": 1, "render": 1, "relay": 3}
    assert by_id[request["id"]]["parentSpanId"] == parent
    assert by_id[generator["id"]]["parentSpanId"] == request["id"]
    assert all(by_id[one["id"]]["parentSpanId"] == generator["id"] for one in generator["subsegments"])
    assert attributes(by_id[request["id"]])["http.response.status_code"] == "200"
    assert attributes(by_id[told["id"]])["s3link.reply"] == told["metadata"]["default"]["reply"]
    assert schema_faults(collector.documents()) == []

    # The id stands in the mail, in the log and in the list of deliveries.
    assert mail.message["X-Amzn-Trace-Id"] == f"Root={trace}"
    server.settled()
    row, = server.deliveries()
    assert row["state"] == "delivered" and row["trace"] == trace
    assert trace in server.cli("deliveries").stdout
    sent, = log_lines(server, "delivery sent")
    assert sent["trace_id"] == trace
    # No link leaks into what is exported.
    exported = b"".join(xray.packets) + json.dumps(collector.documents()).encode()
    assert b"X-Amz-Signature" not in exported and b"Credential" not in exported


def test_a_retry_is_another_segment_of_the_trace_and_dlq_names_it(make_traced, relay, xray):
    server = make_traced(xray_daemon=xray.address)
    relay.replies[YOU] = "451 4.7.1 try later, says the test"
    trace = new_trace()
    upload(server, "late.txt", traceparent=f"00-{trace[2:].replace('-', '')}-{secrets.token_hex(8)}-01")

    def tried(attempt):
        def find(documents):
            return [one for one in documents if one["name"] == "LinkGenerator" and one["annotations"]["attempt"] == attempt]

        xray.wait_for_trace(f"Root={trace}", find)
        return find(xray.of_trace(f"Root={trace}"))[0]

    first = tried("1")
    assert first["fault"] and first["annotations"]["outcome"] == "retry"
    assert first["subsegments"][3]["cause"]["exceptions"][0]["message"].startswith("451 4.7.1 try later")
    relay.replies[YOU] = "550 5.1.1 no such user, says the test"
    dead, = wait_until(lambda: json.loads(server.cli("dlq", "list", "--json").stdout)["dead_letters"], 30, "a dead letter")
    assert dead["trace"] == trace
    assert trace in server.cli("dlq", "show", dead["id"]).stdout
    last = tried(str(dead["attempts"]))
    assert last["annotations"]["outcome"] == "dead" and last["parent_id"] == first["parent_id"]
    assert last["subsegments"][3]["error"] is True
    assert all(line["trace_id"] == trace for line in log_lines(server, "delivery given up"))

    relay.replies.clear()
    server.cli("dlq", "redrive", dead["id"])
    mail, = wait_until(relay.mails, 30, "the mail")
    assert mail.message["X-Amzn-Trace-Id"] == f"Root={trace}", "a redrive stays in the trace"


def test_without_a_caller_a_trace_is_begun(make_traced, relay, collector):
    server = make_traced(otlp_endpoint=collector.endpoint + "/")
    answered = upload(server, "a.txt")
    root = re.fullmatch(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24});Sampled=1", answered).group(1)
    mail, = wait_until(relay.mails, 30, "the mail")
    assert mail.message["X-Amzn-Trace-Id"] == f"Root={root}"
    request = collector.wait_for(lambda spans: [one for one in of_trace(spans, root) if one["name"] == "s3link"])[0]
    assert "parentSpanId" not in request


def test_a_refused_request_is_traced_without_its_query(make_traced, xray):
    server = make_traced(xray_daemon=xray.address)
    trace = new_trace()
    answer = server.get(f"/{server.bucket}/k?X-Amz-Signature=0123456789abcdef", headers={"X-Amzn-Trace-Id": f"Root={trace}"})
    assert answer.status in (400, 403) and answer.headers["x-amzn-trace-id"] == f"Root={trace};Sampled=1"
    document, = xray.wait_for_trace(f"Root={trace}")
    assert document["error"] is True and document["http"]["response"]["status"] == answer.status
    assert b"0123456789abcdef" not in b"".join(xray.packets)


def test_nothing_is_sent_of_what_is_not_sampled(make_traced, relay, xray, collector):
    server = make_traced(xray_daemon=xray.address, otlp_endpoint=collector.endpoint, sample=0)
    assert upload(server, "a.txt").endswith(";Sampled=0")
    assert upload(server, "b.txt", **{"X-Amzn-Trace-Id": f"Root={new_trace()};Sampled=1"}).endswith(";Sampled=0")
    wait_until(lambda: len(relay.mails()) == 2, 30, "the mails")
    server.stop()  # what was left would have been sent
    assert xray.packets == [] and collector.requests == []


def test_the_callers_decision_holds(make_traced, relay, xray):
    server = make_traced(xray_daemon=xray.address, sample="0.000001")
    trace = new_trace()
    upload(server, "no.txt", **{"X-Amzn-Trace-Id": f"Root={new_trace()};Sampled=0"})
    upload(server, "yes.txt", **{"X-Amzn-Trace-Id": f"Root={trace};Sampled=1"})
    wait_until(lambda: len(relay.mails()) == 2, 30, "the mails")
    xray.wait_for_trace(f"Root={trace}", lambda found: len(found) == 2)
    assert {document["trace_id"] for document in xray.documents} == {trace}


def test_exporters_that_are_not_there_are_no_trouble(make_traced, relay):
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        # Bound, so that nobody else answers there; nobody listens or reads.
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", 0))
        server = make_traced(xray_daemon=f"127.0.0.1:{udp.getsockname()[1]}",
                             otlp_endpoint=f"http://127.0.0.1:{tcp.getsockname()[1]}")
        for index in range(5):
            upload(server, f"{index}.txt")
        wait_until(lambda: len(relay.mails()) == 5, 30, "the mails")
        server.settled()
        server.stop()
    lost = log_lines(server, "traces lost")[-1]
    assert lost["exporter"] == "OTLP" and int(lost["lost"]) > 0 and lost["reason"]


def test_a_name_that_does_not_resolve_is_a_warning(make_traced, relay):
    server = make_traced(xray_daemon="no-such-host.invalid:2000")
    upload(server, "a.txt")
    wait_until(relay.mails, 30, "the mail")
    assert len(log_lines(server, "no traces are sent to the X-Ray daemon")) == 1


def test_a_collector_that_hangs_holds_up_neither_work_nor_stop(make_traced, relay, collector):
    collector.hang()
    server = make_traced(otlp_endpoint=collector.endpoint)
    upload(server, "first.txt")
    collector.wait_requests(1)
    for index in range(5):
        upload(server, f"{index}.txt")
    wait_until(lambda: len(relay.mails()) == 6, 30, "the mails")
    server.settled()
    server.stop(timeout=30)  # while the request hangs on
    assert log_lines(server, "traces lost")[-1]["exporter"] == "OTLP"


def test_an_overloaded_collector_gets_the_spans_later(make_traced, relay, collector):
    collector.answers = [503]
    server = make_traced(otlp_endpoint=collector.endpoint)
    trace = new_trace()
    upload(server, "a.txt", **{"X-Amzn-Trace-Id": f"Root={trace}"})
    collector.wait_for(lambda spans: of_trace(spans, trace))
    server.stop()
    assert log_lines(server, "traces lost") == []
