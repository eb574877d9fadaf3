"""The server as a service: what it tells the service manager, its watchdog, readiness, and how it ends."""

import json
import os
import signal
import socket
import threading

import pytest
from notify_socket import NotifySocket
from raw_s3 import request
from relays import LoginRelay, MisbehavingRelay, ScriptedRelay, free_port
from s3link_harness import wait_until
from slow_upload import begin_upload


def readiness(server):
    """(status, {part: message} of what speaks against it)."""
    answer = server.get("/_/readyz")
    reasons = json.loads(answer.body).get("error", {}).get("reasons", [])
    return answer.status, {reason["part"]: reason["message"] for reason in reasons}


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_the_manager_hears_of_the_start_the_reload_and_the_end(make_server, tmp_path, abstract):
    with NotifySocket(tmp_path / "notify", abstract) as manager:
        server = make_server(environment={"NOTIFY_SOCKET": manager.address})
        manager.wait("READY")
        assert manager.received[0].keys() == {"READY", "STATUS"}, "nothing before it takes requests"
        assert server.endpoint in manager.received[0]["STATUS"] and server.bucket in manager.received[0]["STATUS"]
        server.process.send_signal(signal.SIGHUP)
        manager.wait("READY", more_than=1)
        reloading = manager.received[1]
        assert reloading["RELOADING"] == "1" and int(reloading["MONOTONIC_USEC"]) > 0
        server.stop()
        assert manager.received[-1]["STOPPING"] == "1"
        assert manager.count("WATCHDOG") == 0, "nobody asked for it"


def test_the_watchdog_is_fed(make_server, tmp_path):
    with NotifySocket(tmp_path / "notify") as manager:
        make_server(environment={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "500000"})
        manager.wait("WATCHDOG", more_than=3)


def test_a_manager_that_is_gone_does_no_harm(make_server, tmp_path):
    server = make_server(environment={"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "500000"})
    wait_until(lambda: '"service manager not told"' in server.log(), what="the warning")
    assert request(server, "PUT", "/file-exchange/a", b"x").status == 200
    server.wait_mails(1)


def test_a_stuck_pipeline_is_not_vouched_for(make_server, tmp_path):
    """The file system of the relay's password does not answer (here a FIFO that nobody writes): the pipeline's thread is
    stuck in a read, and nobody can see it from its mails. The manager hears no more that all is well, until it is."""
    password = tmp_path / "password"
    password.touch(0o600)
    password.write_text("old\n")
    with NotifySocket(tmp_path / "notify") as manager, LoginRelay() as relay:
        server = make_server(settings={"email.transport": relay.transport, "email.recipient": "you@example.test",
                                       "email.password_file": str(password), "delivery.first_retry": "1s"},
                             environment={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "2000000"})
        manager.wait("WATCHDOG")
        password.unlink()
        os.mkfifo(password, 0o600)
        assert request(server, "PUT", "/file-exchange/k", b"x").status == 200
        stuck = "not working: pipeline does not answer"
        manager.wait("STATUS", stuck)
        assert readiness(server) == (503, {"liveness": "pipeline does not answer"})
        assert server.get("/_/healthz").status == 200
        told = next(index for index, message in enumerate(manager.received) if message.get("STATUS") == stuck)
        assert not any("WATCHDOG" in message for message in manager.received[told:])

        password.write_text("right\n")  # waits for its reader, who waits for it
        manager.wait("WATCHDOG", more_than=manager.count("WATCHDOG"))
        assert manager.statuses()[-1].startswith("serving ")
        assert readiness(server) == (200, {})
        wait_until(relay.mails, 30, "the mail")


def test_readiness_tells_that_the_outbox_is_full(make_server):
    port = free_port()
    server = make_server(settings={"email.transport": f"smtp://127.0.0.1:{port}", "delivery.max_pending": "1"})
    assert readiness(server) == (200, {})
    assert request(server, "PUT", "/file-exchange/a", b"x").status == 200
    status, reasons = readiness(server)
    assert status == 503 and reasons.keys() == {"outbox"} and "delivery.max_pending" in reasons["outbox"]
    refused = request(server, "PUT", "/file-exchange/b", b"x")
    assert refused.status == 503 and b"<Code>SlowDown</Code>" in refused.body
    with ScriptedRelay(port=port):
        wait_until(lambda: readiness(server) == (200, {}), 30, "room in the outbox")


class HoldingRelay(ScriptedRelay):
    """Takes each message when it is released, and not before."""

    def __init__(self, **options):
        super().__init__(**options)
        self.holds, self.released = threading.Event(), threading.Event()

    async def handle_DATA(self, server, session, envelope):
        import asyncio

        self.holds.set()
        await asyncio.get_running_loop().run_in_executor(None, self.released.wait, 60)
        return await super().handle_DATA(server, session, envelope)


def test_a_request_and_a_mail_in_flight_end_well(make_server):
    with HoldingRelay() as relay:
        server = make_server(settings={"email.transport": f"smtp://127.0.0.1:{relay.port}",
                                       "email.recipient": relay.address("you")})
        assert request(server, "PUT", "/file-exchange/first", b"x").status == 200
        assert relay.holds.wait(30)
        with socket.create_connection(("127.0.0.1", server.port)) as peer:
            begin_upload(peer, server, 10, "second")
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: '"stopping"' in server.log(), what="the stop")
            assert server.process.poll() is None
            peer.sendall(b"-half")
            assert peer.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert server.process.poll() is None, "the mail is still on its way"
        relay.released.set()
        assert server.process.wait(60) == 0
        server.process = None
        assert [mail.subject for _, mail in relay.taken if "first" in mail.subject] == [relay.taken[0][1].subject]
        server.start()
        wait_until(lambda: len(relay.taken) >= 2, 30, "the second mail")
        server.settled()
        assert len(relay.taken) == 2, "neither twice"


def test_a_client_and_a_relay_that_never_end_are_cut_off(make_server):
    with MisbehavingRelay([("DATA", MisbehavingRelay.STALL)]) as relay:
        server = make_server(settings={"email.transport": f"smtp://127.0.0.1:{relay.port}"})
        assert request(server, "PUT", "/file-exchange/first", b"x").status == 200
        wait_until(lambda: relay.connections, what="the mail on its way")
        with socket.create_connection(("127.0.0.1", server.port)) as peer:
            begin_upload(peer, server, 10, "second")
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(60) == 0
            server.process = None
            answer = peer.recv(1000)
            assert not answer.startswith(b"HTTP/1.1 2"), answer
        server.start()
        wait_until(relay.mails, 30, "the mail that was broken off")
        server.settled()
        assert len(relay.mails()) == 1
        assert request(server, "GET", "/file-exchange/second").status == 404
