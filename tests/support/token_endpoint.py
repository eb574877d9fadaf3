"""An OAuth 2.0 token endpoint for tests, in this process (RFC 6749 §4.4 and §6). Listens on 127.0.0.1 and a free port."""

import http.server
import json
import threading
import urllib.parse


class TokenEndpoint:
    """Gives tokens "token 1", "token 2", … to the client "client one" with its secret, or for the refresh token.

    `asked`: the forms that were posted. `refusal`: (status, document) to answer instead.
    """

    def __init__(self, client_secret="", refresh_token="", life=3600):
        self.client_secret, self.refresh_token, self.life = client_secret, refresh_token, life
        self.asked = []
        self.refusal = None
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                status, document = endpoint.answer(form)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/tenant/oauth2/v2.0/token"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def answer(self, form):
        self.asked.append(form)
        if self.refusal:
            return self.refusal
        if form.get("client_id") != "client one" or form.get("client_secret", "") != self.client_secret:
            return 401, {"error": "invalid_client",
                         "error_description": f"wrong: client_secret={form.get('client_secret')}"}
        if self.refresh_token and form.get("refresh_token") != self.refresh_token:
            return 400, {"error": "invalid_grant"}
        return 200, {"token_type": "Bearer", "expires_in": self.life, "access_token": f"token {len(self.asked)}"}

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
