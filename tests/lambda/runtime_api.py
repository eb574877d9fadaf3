"""The Lambda Runtime API of one execution environment.

Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

import dataclasses
import json
import threading
import time
import uuid

import http_peer
import xray_listener

PREFIX = "/2018-06-01/runtime/"
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
FUNCTION_ARN = "arn:aws:lambda:{region}:123456789012:function:{name}"


class Lost(Exception):
    """A fault of an answer: it does not arrive, the connection is closed, and the invocation is handed out again."""


@dataclasses.dataclass
class Invocation:
    payload: bytes
    timeout_seconds: float
    trace_header: str
    request_id: str
    chunked: bool = False
    deadline_ms: int = 0  # set when it is handed out
    taken: float = None  # time.monotonic() when it was handed out
    answered: float = None
    kind: str = None  # "response" or "error"
    body: bytes = None
    error_type: str = None  # of the header
    repeats: int = 0  # answers beyond the first
    done: threading.Event = dataclasses.field(default_factory=threading.Event)

    @property
    def seconds(self):
        return self.answered - self.taken

    def json(self):
        return json.loads(self.body)


class RuntimeApi(http_peer.HttpPeer):
    """Hands out what submit() was given, one invocation at a time, and keeps the answers."""

    def __init__(self, region="eu-central-1", function_name="link-generator"):
        self._queue = []
        self._open = {}
        self.invocations = []
        self.init_error = None
        self.next_count = 0
        self.waiting = 0
        self._answer_faults = []
        self._next_faults = []
        self._arn = FUNCTION_ARN.format(region=region, name=function_name)
        super().__init__()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def submit(self, event, timeout_seconds=30.0, trace_header=None, request_id=None, chunked=False):
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        invocation = Invocation(payload, timeout_seconds,
                                xray_listener.trace_header(sampled=False) if trace_header is None else trace_header,
                                request_id or str(uuid.uuid4()), chunked)
        with self.changed:
            self._queue.append(invocation)
            self.invocations.append(invocation)
            self.changed.notify_all()
        return invocation

    def fault_next(self, *faults):
        """What a poll that waits, and the next ones, get: an Answer, or Drop."""
        with self.changed:
            self._next_faults.extend(faults)
            self.changed.notify_all()

    def fault_answer(self, *faults):
        """What the next response or error documents get: an Answer, Drop (taken, then the connection is closed) or
        Lost."""
        with self.changed:
            self._answer_faults.extend(faults)

    def handle(self, request):
        if not request.target.startswith(PREFIX):
            self.complaints.append(f"{request.method} {request.target}")
            return http_peer.Answer(404)
        rest = request.target[len(PREFIX):]
        if (request.method, rest) == ("GET", "invocation/next"):
            return self._next()
        if request.method != "POST":
            self.complaints.append(f"{request.method} {request.target}")
            return http_peer.Answer(404)
        if rest == "init/error":
            self._check_error_document(request)
            with self.changed:
                self.init_error = request
                self.changed.notify_all()
            return http_peer.Answer.of_json({"status": "OK"}, 202)
        _, request_id, kind = rest.split("/")
        return self._answer_to(request, request_id, kind)

    def _next(self):
        with self.changed:
            self.next_count += 1
            self.waiting += 1
            self.changed.notify_all()
            fault = self._next_faults.pop(0) if self._next_faults else None
            if fault is None:
                self.changed.wait_for(lambda: self._stopping or self._queue or self._next_faults)
                fault = self._next_faults.pop(0) if self._next_faults and not self._queue else None
            self.waiting -= 1
            if self._stopping or fault is http_peer.Drop:
                raise http_peer.Drop
            if fault is not None:
                return fault
            if self._open:
                self.complaints.append("next asked for while an invocation was not answered")
            invocation = self._queue.pop(0)
            self._open[invocation.request_id] = invocation
        invocation.taken = time.monotonic()
        invocation.deadline_ms = int((time.time() + invocation.timeout_seconds) * 1000)
        return http_peer.Answer(200, {
            "Content-Type": "application/json", "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self._arn,
            **({"Lambda-Runtime-Trace-Id": invocation.trace_header} if invocation.trace_header else {}),
        }, invocation.payload, chunked=invocation.chunked)

    def _answer_to(self, request, request_id, kind):
        now = time.monotonic()
        if kind == "error":
            self._check_error_document(request)
        with self.changed:
            fault = self._answer_faults.pop(0) if self._answer_faults else None
            invocation = self._open.get(request_id)
            if invocation is None:
                known = next((one for one in self.invocations if one.request_id == request_id), None)
                if known is None:
                    self.complaints.append(f"an answer to an unknown invocation: {request.target}")
                else:
                    known.repeats += 1
                return http_peer.Answer.of_json(
                    {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"}, 400)
            if isinstance(fault, http_peer.Answer) and fault.status >= 400:
                if fault.status != 413:
                    del self._open[request_id]
                return fault
            if fault is Lost:
                self._queue.insert(0, self._open.pop(request_id))
                raise http_peer.Drop
            if kind == "response" and len(request.body) > MAX_PAYLOAD_BYTES:
                return http_peer.Answer.of_json({"errorMessage": "Exceeded maximum allowed payload size (6291556 bytes).",
                                                 "errorType": "RequestEntityTooLarge"}, 413)
            del self._open[request_id]
            invocation.kind, invocation.body, invocation.answered = kind, request.body, now
            invocation.error_type = request.header("lambda-runtime-function-error-type")
            self.changed.notify_all()
        invocation.done.set()
        if fault is http_peer.Drop:
            raise http_peer.Drop
        return http_peer.Answer.of_json({"status": "OK"}, 202)

    def _check_error_document(self, request):
        """"errorMessage", "errorType", "stackTrace" (a list; ours is empty or absent), and the header."""
        if not request.header("lambda-runtime-function-error-type"):
            self.complaints.append("an error without Lambda-Runtime-Function-Error-Type")
        try:
            document = request.json()
        except ValueError:
            self.complaints.append(f"an error that is not JSON: {request.body[:200]!r}")
            return
        if not (isinstance(document.get("errorMessage"), str) and isinstance(document.get("errorType"), str)):
            self.complaints.append(f"an error without message or type: {document}")
        if document.get("stackTrace"):
            self.complaints.append(f"an error with a stack: {document}")
