"""Fixtures of the Lambda tests."""

import re

import function_harness
import pytest
from function_harness import QEMU, Aws, Function, TestAuthority


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return TestAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def bare_root(tmp_path_factory, authority):
    """architecture → a bare root folder with the zip's contents, made once a session."""
    roots = {}

    def get(architecture):
        if architecture == "arm64" and QEMU is None:
            pytest.skip("qemu-aarch64-static is not installed (package qemu-user-static)")
        if architecture not in roots:
            roots[architecture] = function_harness.make_root(
                tmp_path_factory.mktemp(f"root-{architecture}"), architecture, authority.file)
        return roots[architecture]

    return get


@pytest.fixture
def make_aws(authority):
    """A function that makes an account (parameters of the template; tls=True for TLS, or whose certificate it has). Its
    complaints fail the test."""
    made = []

    def make(tls=False, **options):
        signed_by = authority if tls is True else tls
        made.append(Aws(tls_context=signed_by.server_context if signed_by else None, **options))
        return made[-1]

    yield make
    for aws in made:
        aws.stop()


@pytest.fixture
def make_function(make_aws, bare_root, tmp_path, request):
    """A function that starts an execution environment. `aws`: an account (default: one of its own, with `parameters`)."""
    functions = []
    name = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name).strip("-")[:80]

    def make(aws=None, architecture="x86_64", parameters=None, tls=False, environment=None, root=None, start=True):
        aws = aws or make_aws(parameters=parameters, tls=tls)
        function = Function(aws, root or bare_root(architecture), tmp_path, architecture, environment, name=name)
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
