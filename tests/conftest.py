"""Fixtures for every suite that drives the real binary."""

import re

import pytest

import s3link_harness


@pytest.fixture
def make_server(tmp_path, request):
    """A function that starts a server (arguments as of s3link_harness.Server); all are stopped at the end, cleanly."""
    servers = []
    name = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name).strip("-")[:80]

    def make(data_dir=None, start=True, **options):
        folder = data_dir or tmp_path / f"data-{len(servers)}"
        server = s3link_harness.Server(folder, name=name, log_folder=tmp_path, **options)
        servers.append(server)
        if start:
            server.start()
        return server

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def server(make_server):
    """A server with the default configuration and mails as files."""
    return make_server()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1 and localhost."""
    return s3link_harness.Certificate(tmp_path_factory.mktemp("tls"))

