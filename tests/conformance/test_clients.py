"""Real clients against the real server: upload, list, ranged download, delete; and one mail for each upload, whose link
gives the same bytes under the same name. Sizes and keys are those where clients and servers are known to differ."""

import hashlib
import os
import re
import urllib.parse

import pytest
from clients import CLIENTS, MIB, missing
from s3link_harness import pattern_bytes

SIZES = {"0B": 0, "1B": 1, "4KiB": 4096, "9MiB": 9 * MIB, "70MiB": 70 * MIB}

# 1,024 bytes is the longest key there is: once in folders, once as a single name outside ASCII.
LONG_IN_FOLDERS = "/".join(["f" * 99] * 10) + "/" + "end of the road.txt"
LONG_IN_FOLDERS = LONG_IN_FOLDERS.rjust(1024, "l")
LONG_NAME = "长" * 340 + ".txt"

KEYS = {
    "space": "report for March.pdf",
    "plus": "a+b=c.txt",
    "percent": "100%25 sure %zz.txt",
    "ampersand": "R&D <draft>; v=1.txt",
    "quotes": "it's \"quoted\" `twice`.txt",
    "chinese": "季度报告/第三季度.pdf",
    "emoji": "party 🎉👩‍🚀.bin",
    "1024-folders": LONG_IN_FOLDERS,
    "1024-name": LONG_NAME,
}
assert all(len(KEYS[name].encode()) == 1024 for name in ("1024-folders", "1024-name"))


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """name -> path of a file of that size, made on first use."""
    folder = tmp_path_factory.mktemp("files")

    def path_of(name):
        path = folder / name
        if not path.exists():
            path.write_bytes(pattern_bytes(SIZES[name], name))
        return path

    return path_of


def client_for(name, server, tmp_path):
    reason = missing(CLIENTS[name])
    if reason and os.environ.get("CI") != "true":
        pytest.skip(reason)
    assert not reason, reason
    folder = tmp_path / "client"
    folder.mkdir()
    return CLIENTS[name](server, folder)


def file_name_of(download):
    """What a browser saves the file as, by RFC 6266: filename* wins. None: the last part of the path."""
    header = download.headers["Content-Disposition"]
    if header == "attachment":
        return None
    assert header.startswith("attachment;"), header
    plain = re.search(r'filename="((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*)"', header)
    assert plain, f"no ASCII filename for old clients: {header}"
    extended = re.search(r"filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]*)$", header)
    return urllib.parse.unquote(extended.group(1), errors="strict") if extended else plain.group(1)


def check_whole_pass(client, server, path, key):
    """Upload, mail, link, list, range, delete of one file."""
    content = path.read_bytes()
    client.upload(path, key)

    mail = server.wait_mails(1)[0]
    download = server.fetch(mail.link)
    assert download.status == 200, download.body
    assert hashlib.sha256(download.body).digest() == hashlib.sha256(content).digest()
    # A link is shorter than 2,048 characters where the key lets it; the name to save under is cut, or left to the path.
    wanted = key.rpartition("/")[2]
    saved = file_name_of(download)
    if saved != wanted:
        assert len(key.encode()) > 500, (saved, wanted)
        stem, dot, extension = (saved or wanted).rpartition(".")
        assert wanted.startswith(stem) and wanted.endswith(dot + extension), (saved, wanted)

    # Clients and terminals differ in what a prefix may hold; the first letter is safe with all of them.
    assert client.list(key[0]) == {key: len(content)}
    if len(content) > 10:
        first, last = len(content) // 3, len(content) // 3 + min(len(content) // 2, 200_000)
        assert client.read_range(key, first, last) == content[first:last + 1]
    client.delete(key)
    assert client.list(key[0]) == {}
    assert server.fetch(mail.link).status == 404

    server.settled()
    assert len(server.mails()) == 1, "one upload, one mail"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CLIENTS)
def test_sizes(name, size, make_server, tmp_path, files):
    server = make_server()
    check_whole_pass(client_for(name, server, tmp_path), server, files(size), f"{size}.bin")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", CLIENTS)
def test_keys(name, key, make_server, tmp_path, files):
    server = make_server()
    check_whole_pass(client_for(name, server, tmp_path), server, files("4KiB"), KEYS[key])


@pytest.mark.parametrize("size", ["0B", "4KiB", "70MiB"])
@pytest.mark.parametrize("name", ["aws-cli", "boto3", "node-sdk", "curl"])
def test_tls(name, size, make_server, tmp_path, files, certificate):
    server = make_server(certificate=certificate)
    check_whole_pass(client_for(name, server, tmp_path), server, files(size), f"{size} über TLS.bin")
