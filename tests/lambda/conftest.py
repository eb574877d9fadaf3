"""Fixtures of the Lambda tests."""

import re

import function_harness
import pytest
from function_harness import CHROOT, QEMU, Aws, Function, TestAuthority


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return TestAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def bare_root(tmp_path_factory, authority):
    """architecture → a bare root folder with the zip's contents, made once a session."""
    roots = {}

    def get(architecture):
        if CHROOT is None:
            pytest.skip("neither chroot nor unshare can give the function a root folder here")
        if architecture == "arm64" and QEMU is None:
            pytest.skip("qemu-aarch64-static is not installed (package qemu-user-static)")
        if architecture not in roots:
            roots[architecture] = function_harness.make_root(
                tmp_path_factory.mktemp(f"root-{architecture}"), architecture, authority.file)
        return roots[architecture]

    return get


@pytest.fixture
def make_aws(authority):
    """A function that makes an account (parameters of the template, tls=True for TLS). Its complaints fail the test."""
    made = []

    def make(tls=False, **options):
        made.append(Aws(tls_context=authority.server_context if tls else None, **options))
        return made[-1]

    yield make
    for aws in made:
        aws.stop()


@pytest.fixture
def make_function(make_aws, bare_root, tmp_path, request):
    """A function that starts an execution environment. `aws`: an account (default: one of its own, with `parameters`)."""
    functions = []
    name = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name).strip("-")[:80]

    def make(aws=None, architecture="x86_64", parameters=None, tls=False, environment=None, start=True):
        aws = aws or make_aws(parameters=parameters, tls=tls)
        if aws.tls_context:
            environment = {"SSL_CERT_FILE": "/etc/pki/tls/certs/ca-bundle.crt"} | (environment or {})
        function = Function(aws, bare_root(architecture), tmp_path, architecture, environment, name=name)
        functions.append(function)
        return function.start() if start else function

    yield make
    failed = getattr(request.node, "failed_in_call", False)
    try:
        while functions:
            function = functions.pop(0)
            function.give_up() if failed else function.stop()
    finally:
        for function in functions:
            function.give_up()


@pytest.fixture
def function(make_function):
    """One with the template's defaults."""
    return make_function()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.failed_in_call = report.failed
