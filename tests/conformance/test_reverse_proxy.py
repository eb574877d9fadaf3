"""Mailed links and uploads through nginx, Apache, Caddy and HAProxy: with the blocks of docs/reverse-proxy.md, and with the
shortest block there is, which changes the Host header in two of them; and links through a shared cache, Varnish."""

import hashlib

import pytest
from clients import MIB
from proxies import PROXIES, ProxiedServer, Varnish
from s3link_harness import free_port, pattern_bytes, wait_until
from test_clients import KEYS, check_whole_pass, client_for

# Names that proxies are known to decode, encode again, merge, cut or refuse.
ODD_NAMES = [
    *KEYS.values(),
    ".hidden", "...", "no extension", "two  spaces.txt", " leading space.txt", "trailing space ", "a//b.txt", "a///b//c",
    "/leading slash.txt", "percent%.txt", "%41.txt", "%2F.txt", "a%2Fb.txt", "%252F.txt", "%00.txt", "%0d%0a.txt",
    "question?.txt", "?query=1&a=b", "hash#fragment.txt", "semi;colon;v=1.txt", "comma, apostrophe' and (brackets).txt",
    "colon: at@ dollar$.txt", "back\\slash.txt", "pipe|caret^grave`.txt", "curly{}square[].txt", "star*bang!tilde~.txt",
    "less<more>.txt", "double\"quote.txt", "equals=plus+minus-.txt", "naïve café.txt", "cafe\u0301 decomposed.txt",
    "\u05e9\u05dc\u05d5\u05dd.txt", "no\u00a0break.txt", "tab\there.txt", "X-Amz-Signature=0.txt", "index.php/.htaccess",
    "~user/cgi-bin/x.cgi", "wp-admin.php", "a.txt;jsessionid=1", "İstanbul ǅ ß.txt",
]


@pytest.fixture
def proxied(make_server, tmp_path, certificate):
    """A function (language, block) -> ProxiedServer; both blocks' servers live until the test ends."""
    proxies = []

    def make(language, block):
        port = free_port()
        documented = block == "documented"
        url = f"{'https' if documented else 'http'}://localhost:{port}"
        server = make_server(settings={"server.public_url": url, "email.sender": "files@example.test"})
        kinds = PROXIES | {"varnish": Varnish}
        proxy = kinds[language](tmp_path / "proxy", port, server.address, block, certificate if documented else None)
        proxies.append(proxy)
        return ProxiedServer(server, proxy)

    yield make
    for proxy in proxies:
        proxy.stop()


@pytest.mark.parametrize("block", ["documented", "plain"])
@pytest.mark.parametrize("language", PROXIES)
def test_every_link_opens(language, block, proxied):
    server = proxied(language, block)
    assert len(ODD_NAMES) == len(set(ODD_NAMES)) >= 36
    direct = server.server.s3()
    for name in ODD_NAMES:
        direct.put_object(Bucket=server.bucket, Key=name, Body=b"content of " + name.encode())

    opened = []
    for mail in server.wait_mails(len(ODD_NAMES)):
        download = server.fetch(mail.link)
        if (language, block) == ("apache", "plain") and "//" in mail.link.removeprefix("http://"):
            assert download.status == 403, "docs/reverse-proxy.md says that these do not open"
            continue
        assert download.status == 200, (mail.link, download.body, server.proxy.log())
        name = download.body.removeprefix(b"content of ").decode()
        part = server.fetch(mail.link, headers={"Range": "bytes=3-6"})
        assert (part.status, part.body) == (206, b"tent"), mail.link
        opened.append(name)
    doubled = {"a//b.txt", "a///b//c", "/leading slash.txt"} if (language, block) == ("apache", "plain") else set()
    assert sorted(opened) == sorted(set(ODD_NAMES) - doubled)


@pytest.mark.parametrize("size", [1, 30 * MIB])
@pytest.mark.parametrize("client", ["aws-cli", "boto3", "rclone", "node-sdk", "curl", "s3cmd"])
@pytest.mark.parametrize("language", PROXIES)
def test_uploads_through_the_documented_block(language, client, size, proxied, tmp_path):
    server = proxied(language, "documented")
    path = tmp_path / "file"
    path.write_bytes(pattern_bytes(size))
    check_whole_pass(client_for(client, server, tmp_path), server, path, "report for März+April.bin")


@pytest.mark.parametrize("language", PROXIES)
def test_metadata_with_an_underscore_arrives(language, proxied):
    server = proxied(language, "documented")
    s3 = server.s3()
    s3.put_object(Bucket=server.bucket, Key="a", Body=b"", Metadata={"my_name": "Ann", "other-name": "Bob"})
    metadata = s3.head_object(Bucket=server.bucket, Key="a")["Metadata"]  # Caddy writes names with capitals
    assert {name.lower(): value for name, value in metadata.items()} == {"my_name": "Ann", "other-name": "Bob"}


@pytest.mark.parametrize("language", PROXIES)
def test_a_large_single_put_keeps_its_bytes(language, proxied):
    server = proxied(language, "documented")
    content = pattern_bytes(25 * MIB)
    answer = server.s3().put_object(Bucket=server.bucket, Key="large.bin", Body=content)
    assert answer["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    assert hashlib.sha256(server.fetch(server.wait_mails(1)[0].link).body).digest() == hashlib.sha256(content).digest()


@pytest.mark.parametrize("language", PROXIES)
def test_uploads_through_the_plain_block(language, proxied):
    server = proxied(language, "plain")
    s3 = server.s3()  # of the host that server.public_url names
    s3.put_object(Bucket=server.bucket, Key="small.bin", Body=bytes(1000))
    server.wait_mails(1)
    large = bytes(2 * MIB)
    if language == "nginx":
        with pytest.raises(s3.exceptions.ClientError) as refused:
            s3.put_object(Bucket=server.bucket, Key="large.bin", Body=large)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    else:
        s3.put_object(Bucket=server.bucket, Key="large.bin", Body=large)


def test_a_shared_cache_outlives_neither_file_nor_deadline(proxied):
    """What is allowed once must be asked again: Varnish with its built-in rules keeps what it may."""
    server = proxied("varnish", "plain")
    direct = server.server.s3()

    def link(key, seconds=3600):
        return server.s3().generate_presigned_url("get_object", Params={"Bucket": server.bucket, "Key": key},
                                                  ExpiresIn=seconds)

    early = link("later.bin")
    assert [server.fetch(early).status for _ in range(2)] == [404, 404]
    direct.put_object(Bucket=server.bucket, Key="later.bin", Body=b"content")
    assert server.fetch(early).body == b"content", "an answer that there is no such file was kept"

    mailed = server.wait_mails(1)[0].link
    assert f":{server.port}/" in mailed
    for url in (mailed, mailed, early):
        assert (server.fetch(url).status, server.fetch(url).body) == (200, b"content")

    short = link("later.bin", seconds=2)
    assert server.fetch(short).status == 200
    wait_until(lambda: server.fetch(short).status == 403, 30, "the link to expire in the cache, too")

    direct.put_object(Bucket=server.bucket, Key="later.bin", Body=b"replaced")
    assert server.fetch(early).body == b"replaced"
    direct.delete_object(Bucket=server.bucket, Key="later.bin")
    assert {server.fetch(url).status for url in (mailed, early)} == {404}
