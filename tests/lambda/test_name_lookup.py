"""Names are looked up by the static binary itself, in a root folder without any library."""

import signal

import dns_peer
import function_harness
import pytest
from function_harness import ARCHITECTURES, CHROOT
from s3_events import event_of

SHORT = 4  # seconds of a deadline that is to be met


@pytest.fixture
def names():
    if CHROOT is None:
        pytest.skip("neither chroot nor unshare can give the function a resolv.conf of its own here")
    try:
        peer = dns_peer.DnsPeer()
    except PermissionError:
        pytest.skip("port 53 is for root only here")
    yield peer
    peer.stop()


@pytest.fixture
def make_named(names, make_aws, make_function, tmp_path, authority):
    """A function whose services are known to it by name."""
    def make(architecture="x86_64"):
        aws = make_aws(tls=True)
        root = function_harness.make_root(tmp_path / "root", architecture, authority.file)
        names.write_files(root)
        environment = {f"AWS_ENDPOINT_URL_{service}": f"https://{service.lower().replace('_', '-')}.example.org:{peer.port}"
                       for service, peer in aws.peers.items()}
        return make_function(aws, architecture, environment=environment, root=root)
    return make


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_services_are_found_by_name(make_named, names, architecture):
    function = make_named(architecture)
    assert function.succeed(event_of(function.aws, "a.txt"))["delivered"] == 1
    assert set(names.names) == {"sesv2.example.org", "dynamodb.example.org"}


@pytest.mark.parametrize("code", [dns_peer.NAME_ERROR, dns_peer.SERVER_FAILURE], ids=["no such name", "server failure"])
def test_a_name_that_is_not_found_is_told(make_named, names, code):
    function = make_named()
    names.answer = code
    event = event_of(function.aws, "a.txt")
    assert "dynamodb.example.org" in function.fail(event, "s3link.LedgerError", timeout_seconds=SHORT)
    names.answer = 0
    assert function.succeed(event)["delivered"] == 1


def test_a_silent_name_server_is_answered_for_before_the_deadline(make_named, names):
    function = make_named()
    names.answer = None
    event = event_of(function.aws, "a.txt")
    function.fail(event, "s3link.LedgerError", timeout_seconds=SHORT)
    names.answer = 0
    assert function.succeed(event)["delivered"] == 1


def test_sigterm_ends_it_while_a_name_is_looked_up(make_named, names):
    function = make_named()
    names.answer = None
    function.submit(event_of(function.aws, "a.txt"), timeout_seconds=SHORT)
    names.wait_asked()
    function.process.send_signal(signal.SIGTERM)
    assert function.wait_exit() == 0
