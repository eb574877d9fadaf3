"""Runs after every other suite of ./test: reads all the logs they left and finds no secret in any (DESIGN.md, P8)."""

import json
import os
import pathlib
import re

import pytest

# A signature in a presigned URL or an Authorization header, as S3 clients and our link generator write them.
SIGNATURES = [
    re.compile(rb"X-Amz-Signature(?:=|%3D)[0-9a-f]{8,}", re.IGNORECASE),
    re.compile(rb"Signature=[0-9a-f]{32,}", re.IGNORECASE),
    re.compile(rb"X-Amz-Security-Token=[^&\s\"']{8,}", re.IGNORECASE),
]


def findings(folder):
    """(file, what) for each secret found in the *.log files of a folder; never the secret itself."""
    secrets = {}
    for path in folder.glob("*.secrets"):
        for secret in json.loads(path.read_text()):
            secrets[secret.encode()] = path.stem
    found = []
    for path in sorted(folder.glob("*.log")):
        text = path.read_bytes()
        found += [(path.name, f"a secret of {owner}") for secret, owner in secrets.items() if secret in text]
        found += [(path.name, pattern.pattern.decode()) for pattern in SIGNATURES if pattern.search(text)]
    return found


def test_no_log_of_the_run_holds_a_secret():
    folder = pathlib.Path(os.environ.get("S3LINK_TEST_LOGS", ""))
    if not os.environ.get("S3LINK_TEST_LOGS") or not any(folder.glob("*.log")):
        pytest.skip("no logs: S3LINK_TEST_LOGS is set by ./test")
    assert any(folder.glob("*.secrets")), "logs, but no list of the secrets to look for"
    assert findings(folder) == []


def test_the_scan_finds_what_is_planted(tmp_path):
    (tmp_path / "a.secrets").write_text(json.dumps(["AbCdEfGh0123"]))
    (tmp_path / "key.log").write_text("key AbCdEfGh0123 used")
    (tmp_path / "url.log").write_text("GET /b/k?X-Amz-Signature=0123456789abcdef0123")
    (tmp_path / "header.log").write_text("Authorization: AWS4-HMAC-SHA256 Signature=" + "0f" * 32)
    (tmp_path / "clean.log").write_text("GET /b/k?X-Amz-Signature=[removed]")
    assert {name for name, _ in findings(tmp_path)} == {"key.log", "url.log", "header.log"}
