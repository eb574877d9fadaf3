"""An X-Ray daemon's UDP port, and the rules for what may be sent to it.

Source: AWS X-Ray Developer Guide, "X-Ray segment documents" and "Sending trace data to X-Ray".
"""

import json
import re
import socket
import threading
import time
import uuid

NAME = re.compile(r"[\w\s.:/%&#=+\\\-@]{1,200}")
ID = re.compile(r"[0-9a-f]{16}")
TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
MEMBERS = {"name", "id", "trace_id", "parent_id", "type", "start_time", "end_time", "in_progress", "namespace", "aws",
           "http", "error", "throttle", "fault", "cause", "annotations", "metadata", "subsegments", "precursor_ids", "sql",
           "service", "user", "origin"}


def trace_header(sampled=True, more=""):
    """A new trace, as Lambda tells the function of it."""
    return (f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};"
            f"Sampled={int(sampled)}{more}")


def faults_of(document, nested=False, services=False):
    """What is wrong with a segment document, as a list of texts. `services`: segments of services are expected, too; else
    every document is a subsegment."""
    wrong = []

    def want(condition, text):
        if not condition:
            wrong.append(f"{document.get('name')}: {text}")

    want(set(document) <= MEMBERS, f"unknown members {sorted(set(document) - MEMBERS)}")
    want(NAME.fullmatch(document.get("name", "")), f"name {document.get('name')!r}")
    want(ID.fullmatch(document.get("id", "")), f"id {document.get('id')!r}")
    start, end = document.get("start_time"), document.get("end_time")
    want(isinstance(start, (int, float)) and 1.7e9 < start < 4e9, f"start_time {start!r}")
    if end is None:
        want(document.get("in_progress") is True, "neither end_time nor in_progress")
    else:
        want(isinstance(end, (int, float)) and end >= start, f"end_time {end!r} before start_time {start!r}")
        want("in_progress" not in document, "in_progress beside end_time")
    if not nested:
        want(TRACE_ID.fullmatch(document.get("trace_id", "")), f"trace_id {document.get('trace_id')!r}")
        if services and "type" not in document:
            want("namespace" not in document, "a service's segment with a namespace")
            want(ID.fullmatch(document.get("parent_id", "0" * 16)), f"parent_id {document.get('parent_id')!r}")
        else:
            want(document.get("type") == "subsegment", f"type {document.get('type')!r}")
            want(ID.fullmatch(document.get("parent_id", "")), f"parent_id {document.get('parent_id')!r}")
    else:
        want(not {"trace_id", "parent_id", "type"} & set(document), "an embedded subsegment that names its place")
    want(document.get("namespace", "aws") in ("aws", "remote"), f"namespace {document.get('namespace')!r}")
    for flag in ("error", "fault", "throttle"):
        want(isinstance(document.get(flag, False), bool), f"{flag} is no boolean")
    want(not document.get("throttle") or document.get("error"), "throttle without error")
    if document.get("namespace") == "aws":
        aws = document.get("aws", {})
        want(aws.get("operation") and aws.get("region"), f"an AWS call without operation or region: {aws}")
        want(isinstance(aws.get("retries", 0), int), f"retries {aws.get('retries')!r}")
    status = document.get("http", {}).get("response", {}).get("status")
    want(status is None or isinstance(status, int) and 100 <= status < 600, f"http status {status!r}")
    for name, value in document.get("annotations", {}).items():
        want(re.fullmatch(r"\w+", name, re.ASCII) and isinstance(value, (str, int, float, bool)), f"annotation {name}")
    cause = document.get("cause", {"exceptions": []})
    want(isinstance(cause, dict) and all(ID.fullmatch(one.get("id", "")) for one in cause["exceptions"]), f"cause {cause}")
    for child in document.get("subsegments", []):
        wrong += faults_of(child, nested=True)
        if isinstance(start, (int, float)) and isinstance(child.get("start_time"), (int, float)):
            want(child["start_time"] >= start - 1e-3, f"{child.get('name')} starts before its parent")
    return wrong


def flat(documents):
    """All segments of some documents, parents before children."""
    found = []
    for document in documents:
        found += [document] + flat(document.get("subsegments", []))
    return found


class XRayListener:
    """Keeps the documents it was sent; `complaints` says what was wrong with packets. `services` as in faults_of."""

    def __init__(self, services=False):
        self._services = services
        self.complaints, self.documents, self.packets = [], [], []
        self.changed = threading.Condition()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._ids = set()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def of_trace(self, trace_header):
        root = dict(part.partition("=")[::2] for part in trace_header.split(";"))["Root"]
        with self.changed:
            return [document for document in self.documents if document["trace_id"] == root]

    def wait_for_trace(self, trace_header, condition=bool, timeout=20):
        """The documents of a trace, once condition(documents) is true."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self.of_trace(trace_header)), timeout), (
                f"the trace's documents so far: {self.of_trace(trace_header)}")
        return self.of_trace(trace_header)

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as poke:
            poke.sendto(b"", self._socket.getsockname())
        self._thread.join(10)
        self._socket.close()

    def _listen(self):
        while True:
            packet = self._socket.recv(65536)
            if not packet:
                return
            with self.changed:
                self.packets.append(packet)
                self._take(packet)
                self.changed.notify_all()

    def _take(self, packet):
        header, _, body = packet.partition(b"\n")
        try:
            if json.loads(header) != {"format": "json", "version": 1}:
                raise ValueError
            document = json.loads(body)
        except ValueError:
            self.complaints.append(f"not a packet for the daemon: {packet[:200]!r}")
            return
        if len(body) > 64 * 1024:
            self.complaints.append("a document over 64 KiB")
        self.complaints += faults_of(document, services=self._services)
        for segment in flat([document]):
            if segment.get("id") in self._ids:
                self.complaints.append(f"id {segment.get('id')} twice")
            self._ids.add(segment.get("id"))
        self.documents.append(document)
