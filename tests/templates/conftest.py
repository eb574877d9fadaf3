"""Fixtures of the tests of deploy/aws: an account of stand-ins, and its scripts run against it."""

import pathlib
import sys

import pytest

# The HTTP peer is that of the Lambda tests.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "lambda"))

import aws_account  # noqa: E402


@pytest.fixture
def account(tmp_path):
    """An account with nothing in it. What aws-cli did against the protocols fails the test."""
    with aws_account.Account() as made:
        yield made
    assert made.complaints == []


@pytest.fixture
def script(account, tmp_path):
    """A function that runs a script of deploy/aws with the real aws-cli, whose every call goes to the account."""
    return aws_account.Scripts(account, tmp_path)
