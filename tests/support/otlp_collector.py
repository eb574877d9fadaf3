"""An OpenTelemetry collector's OTLP/HTTP endpoint that keeps the traces it is sent, or fails as it is told."""

import http.server
import json
import threading


class OtlpCollector:
    """Takes POST /v1/traces on a free port of 127.0.0.1. `complaints` says what was wrong with requests.

    `answers`: statuses for the next requests, in order, before all others get 200. `hang()`: from then on requests are
    read and not answered until release() or the end.
    """

    def __init__(self):
        self.requests, self.complaints, self.answers = [], [], []
        self.changed = threading.Condition()
        self._go_on = threading.Event()
        self._go_on.set()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                collector._take(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def _take(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self.changed:
            if handler.path != "/v1/traces":
                self.complaints.append(f"path {handler.path}")
            if handler.headers["Content-Type"] != "application/json":
                self.complaints.append(f"Content-Type {handler.headers['Content-Type']}")
            status = self.answers.pop(0) if self.answers else 200
            try:
                self.requests.append((status, json.loads(body)))
            except ValueError:
                self.complaints.append(f"no JSON: {body[:200]!r}")
            self.changed.notify_all()
        self._go_on.wait()
        answer = b"{}"
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def hang(self):
        self._go_on.clear()

    def release(self):
        self._go_on.set()

    def documents(self):
        """The requests it took."""
        with self.changed:
            return [document for status, document in self.requests if status == 200]

    def spans(self):
        return [span for document in self.documents() for of_resource in document["resourceSpans"]
                for of_scope in of_resource["scopeSpans"] for span in of_scope["spans"]]

    def wait_for(self, condition, timeout=30):
        """condition(spans), once it is true."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self.spans()), timeout), f"the spans so far: {self.spans()}"
        return condition(self.spans())

    def wait_requests(self, count, timeout=30):
        """Waits until so many requests came, whatever they were answered."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, timeout), "no request"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()
