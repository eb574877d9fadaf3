"""A webhook's receiver for tests, in this process: answers as it is told, and keeps what was posted.

Listens on 127.0.0.1 and `port`; nothing is shared, so it is safe under pytest-xdist.
"""

import hashlib
import hmac
import http.server
import json
import re
import threading

HANG = "hang"  # instead of a status: no answer until the receiver is stopped
GARBAGE = "garbage"  # what is no HTTP


def signature_is_right(secret, headers, body):
    """Checks X-s3link-Signature as docs/operations.md tells receivers to, with nothing of the server's code."""
    found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers.get("X-s3link-Signature", ""))
    if not found:
        return False
    wanted = hmac.new(secret.encode(), found.group(1).encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, found.group(2))


class Posted:
    """One request as it came."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body

    @property
    def document(self):
        return json.loads(self.body)


class WebhookReceiver:
    """`answers`: what the first requests get, a status, HANG or GARBAGE each; all later ones get 204."""

    def __init__(self, answers=(), port=0):
        self.answers = list(answers)
        self.posted = []  # every request whose body came whole
        self.released = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posted.append(Posted(self.path, self.headers, body))
                answer = receiver.answers.pop(0) if receiver.answers else 204
                self.close_connection = True
                if answer == HANG:
                    receiver.released.wait(120)
                    return
                if answer == GARBAGE:
                    self.wfile.write(b"\x00\xff this is no HTTP\r\n\r\n")
                    return
                self.send_response(answer)
                if answer // 100 == 3:
                    self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def documents(self):
        return [posted.document for posted in list(self.posted)]

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
