"""SIGHUP: what is read again, what is refused and stays as it was, what needs a restart; and the log it changes."""

import json
import signal

import pytest
from notify_socket import NotifySocket
from raw_s3 import request
from s3link_harness import wait_until

HTML = '<a href="{{LINK}}">{{FILE_NAME}}</a>'


def hang_up_until(server, condition):
    """Sends SIGHUP all the time."""
    def send():
        server.process.send_signal(signal.SIGHUP)
        return server.process.poll() is not None or condition()

    wait_until(send, 30, "the server", interval=0.001)
    return server.process.poll()


def test_it_ends_neither_a_start_nor_a_stop(server):
    server.stop()
    server.start(wait=False)
    lock = server.data_dir / "lock"  # names the process to whom `s3link key rotate --access` sends it
    wait_until(lambda: lock.read_text().strip() == str(server.process.pid), 30, "its process id", interval=0.0001)
    assert hang_up_until(server, (server.data_dir / "listen").exists) is None
    server.wait_ready()
    server.process.send_signal(signal.SIGTERM)
    assert hang_up_until(server, lambda: False) == 0
    server.process = None


class Reloaded:
    """A server with a configuration file and a folder of templates, and what SIGHUP makes of them."""

    def __init__(self, make_server, tmp_path, manager):
        self.manager = manager
        self.file = tmp_path / "s3link.toml"
        self.templates = tmp_path / "templates"
        self.templates.mkdir()
        self.webhook_secret = tmp_path / "webhook-secret"
        self.webhook_secret.write_text("hunter22\n")
        self.webhook_secret.chmod(0o600)
        self.configure()
        self.server = make_server(start=False, environment={"NOTIFY_SOCKET": manager.address,
                                                            "S3LINK_CONFIG": str(self.file)})
        del self.server.environment["S3LINK_LOG_LEVEL"]
        self.server.start()

    def configure(self, level="info", more="", webhook="http://127.0.0.1:9/"):
        self.file.write_text(f'[log]\nlevel = "{level}"\n[alarm]\nwebhook = "{webhook}"\n'
                             f'webhook_secret_file = "{self.webhook_secret}"\n'
                             f'[email]\ntemplate_dir = "{self.templates}"\n{more}')

    def reload(self):
        """Returns the lines that the reload logged."""
        before, ready = len(self.lines()), self.manager.count("READY")
        self.server.process.send_signal(signal.SIGHUP)
        self.manager.wait("READY", more_than=ready)
        return self.lines()[before:]

    def lines(self):
        return [json.loads(line) for line in self.server.log().splitlines() if line.startswith("{")]

    def lines_of(self, answer):
        """Those that name the request with that answer."""
        return [line for line in self.lines() if line.get("request_id") == answer.headers["x-amz-request-id"]]

    def upload(self, key):
        answer = request(self.server, "PUT", f"/file-exchange/{key}", b"x")
        assert answer.status == 200
        return answer

    def subject(self, key):
        """Of the mail about a new object of that key."""
        count = len(self.server.mails()) + 1
        self.upload(key)
        return next(mail.subject for mail in self.server.wait_mails(count) if key in mail.subject)


@pytest.fixture
def reloaded(make_server, tmp_path):
    with NotifySocket(tmp_path / "notify") as manager:
        it = Reloaded(make_server, tmp_path, manager)
        manager.wait("READY")
        yield it


def by_message(lines):
    return {line["message"]: line for line in lines}


def test_new_templates_are_used_and_broken_ones_are_not(reloaded):
    (reloaded.templates / "subject.txt").write_text("Old {{FILE_NAME}}")
    reloaded.reload()
    assert reloaded.subject("a.txt") == "Old a.txt"
    (reloaded.templates / "subject.txt").write_text("New {{FILE_NAME}}")
    (reloaded.templates / "body.html").write_text(HTML)
    lines = by_message(reloaded.reload())
    assert lines["mail templates read again"]["folder"] == str(reloaded.templates)
    assert reloaded.subject("b.txt") == "New b.txt"

    # A good file beside a broken one is not taken over either.
    (reloaded.templates / "subject.txt").write_text("Newest {{FILE_NAME}}")
    (reloaded.templates / "body.html").write_text(HTML + "{{LIMK}}")
    refused = by_message(reloaded.reload())["mail templates not reloaded"]
    assert refused["level"] == "error"
    assert "body.html" in refused["reason"] and "LIMK" in refused["reason"] and str(reloaded.file) in refused["reason"]
    assert reloaded.subject("c.txt") == "New c.txt"
    assert reloaded.server.mails()[-1].html.count("<a href=") == 1
    (reloaded.templates / "body.html").write_text(HTML)
    reloaded.reload()
    assert reloaded.subject("d.txt") == "Newest d.txt"


def test_the_level_follows_the_file_and_requests_are_logged_at_debug(reloaded):
    unlogged = [reloaded.upload("quiet")]
    reloaded.configure("debug")
    assert by_message(reloaded.reload())["log level read again"]["log_level"] == "debug"
    loud = reloaded.upload("loud?x-id=PutObject")
    (line,) = wait_until(lambda: reloaded.lines_of(loud), what="its line")
    assert line["message"] == "request" and line["level"] == "debug"
    assert line["operation"] == "PutObject" and line["bucket"] == "file-exchange" and line["key"] == "loud"
    assert line["status"] == "200" and line["bytes_received"] == "1" and int(line["duration_us"]) > 0
    assert line["trace_id"] in loud.headers["x-amzn-trace-id"] and "x-id" not in json.dumps(line)
    reloaded.configure("error")
    reloaded.reload()
    unlogged.append(reloaded.upload("silent"))
    reloaded.server.stop()  # a line comes after the answer
    assert [reloaded.lines_of(answer) for answer in unlogged] == [[], []]


def test_a_broken_file_changes_nothing_and_says_where_it_is_broken(reloaded):
    (reloaded.templates / "subject.txt").write_text("New {{FILE_NAME}}")
    reloaded.configure("debug", more="retries = 5\n[link]\nexpiration = \"8d\"\n")
    lines = by_message(reloaded.reload())
    reason = lines["configuration not reloaded"]["reason"]
    assert f"{reloaded.file}:8" in reason and "email.retries" in reason and "link.expiration" in reason
    assert "log level read again" not in lines and "needs a restart" not in lines
    assert "mail templates read again" in lines, "the folder in force is read, whatever the file says"
    quiet = reloaded.upload("quiet")
    reloaded.server.stop()
    assert reloaded.lines_of(quiet) == []


def test_what_needs_a_restart_is_named(reloaded, tmp_path):
    assert "needs a restart" not in by_message(reloaded.reload())
    reloaded.configure("info", more='recipient = "other@example.org"\n[server]\nregion = "eu-west-1"\n',
                       webhook="http://127.0.0.1:9/secret-token")
    named = by_message(reloaded.reload())["needs a restart"]
    assert named["level"] == "warning"
    assert named["settings"] == "server.region, email.recipient, alarm.webhook"
    # A secret that a file holds may be another one without a word in the configuration.
    reloaded.configure()
    reloaded.webhook_secret.write_text("hunter23\n")
    assert by_message(reloaded.reload())["needs a restart"]["settings"] == "alarm.webhook_secret_file"
    assert "hunter" not in reloaded.server.log() and "secret-token" not in reloaded.server.log()
    assert reloaded.server.get("/_/readyz").status == 200
