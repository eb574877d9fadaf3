"""The S3 clients of the conformance tests, each behind the same five verbs.

Every client is used as its users use it: its own multipart upload where it has one, its own listing calls, no retries
that would hide a wrong first answer.
"""

import json
import pathlib
import re
import shutil
import subprocess
import urllib.parse
import xml.etree.ElementTree as ElementTree

MIB = 1 << 20
NODE_FOLDER = pathlib.Path(__file__).parent / "node"


class Client:
    """One client against one server. `folder` is for its files."""

    program = None  # what must be installed

    def __init__(self, server, folder):
        self.server, self.folder, self.bucket = server, folder, server.bucket
        self.environment = server.client_environment()

    def run(self, *arguments, stdin=None):
        done = subprocess.run([str(argument) for argument in arguments], env=self.environment, input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, timeout=120,
                              cwd=self.folder)
        assert done.returncode == 0, (f"{arguments}: status {done.returncode}\n{done.stdout.decode(errors='replace')}"
                                      f"\n{done.stderr.decode(errors='replace')}\nserver:\n{self.server.log()[-3000:]}")
        return done.stdout

    def upload(self, path, key):
        """Uploads a file; in parts where the client would."""
        raise NotImplementedError

    def list(self, prefix):
        """{key: size} of the objects under a prefix."""
        raise NotImplementedError

    def read_range(self, key, first, last):
        """The bytes first..last."""
        raise NotImplementedError

    def delete(self, key):
        raise NotImplementedError


class AwsCli(Client):
    """Debian's aws-cli 2."""

    program = "aws"

    def aws(self, *arguments):
        return self.run("aws", "--endpoint-url", self.server.endpoint, *arguments)

    def upload(self, path, key):
        self.aws("s3", "cp", "--no-progress", path, f"s3://{self.bucket}/{key}")

    def list(self, prefix):
        listing = self.aws("s3api", "list-objects-v2", "--bucket", self.bucket, "--prefix", prefix, "--output", "json")
        return {entry["Key"]: entry["Size"] for entry in json.loads(listing or "{}").get("Contents", [])}

    def read_range(self, key, first, last):
        target = self.folder / "part.bin"
        self.aws("s3api", "get-object", "--bucket", self.bucket, "--key", key, "--range", f"bytes={first}-{last}", target)
        return target.read_bytes()

    def delete(self, key):
        self.aws("s3", "rm", f"s3://{self.bucket}/{key}")


class Boto3(Client):
    """The Python SDK in this process."""

    def __init__(self, server, folder):
        super().__init__(server, folder)
        self.s3 = server.s3()

    def upload(self, path, key):
        self.s3.upload_file(str(path), self.bucket, key)

    def list(self, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}

    def read_range(self, key, first, last):
        return self.s3.get_object(Bucket=self.bucket, Key=key, Range=f"bytes={first}-{last}")["Body"].read()

    def delete(self, key):
        self.s3.delete_object(Bucket=self.bucket, Key=key)


class S3cmd(Client):
    """s3cmd: lists with version 1, asks for the location first, checks the ETag against the MD5."""

    program = "s3cmd"

    def __init__(self, server, folder):
        super().__init__(server, folder)
        address = server.endpoint.partition("://")[2]
        self.configuration = folder / "s3cfg"
        self.configuration.write_text(
            f"[default]\naccess_key = {server.access_key_id}\nsecret_key = {server.secret_access_key}\n"
            f"host_base = {address}\nhost_bucket = {address}\nbucket_location = {server.region}\n"
            f"use_https = {bool(server.certificate)}\nsignature_v2 = False\nsend_chunk = 262144\n"
            + (f"ca_certs_file = {server.certificate.certificate}\n" if server.certificate else ""))

    def s3cmd(self, *arguments):
        return self.run("s3cmd", "--config", self.configuration, "--no-progress", *arguments)

    def upload(self, path, key):
        self.s3cmd("put", path, f"s3://{self.bucket}/{key}")

    def list(self, prefix):
        listing = self.s3cmd("ls", "--recursive", f"s3://{self.bucket}/{prefix}").decode()
        rows = re.findall(rf"^\S+ \S+ +(\d+) +s3://{re.escape(self.bucket)}/(.*)$", listing, re.MULTILINE)
        return {key: int(size) for size, key in rows}

    def read_range(self, key, first, last):
        # s3cmd asks for a range when it continues a file that is there in part; it always reads to the end.
        assert first > 0
        target = self.folder / "part.bin"
        target.write_bytes(bytes(first))
        self.s3cmd("get", "--continue", f"s3://{self.bucket}/{key}", target)
        return target.read_bytes()[first:last + 1]

    def delete(self, key):
        self.s3cmd("del", f"s3://{self.bucket}/{key}")


class Rclone(Client):
    """rclone: deletes what it uploaded when the ETag is not the MD5."""

    program = "rclone"

    def __init__(self, server, folder):
        super().__init__(server, folder)
        remote = {"type": "s3", "provider": "Other", "endpoint": server.endpoint, "region": server.region,
                  "access_key_id": server.access_key_id, "secret_access_key": server.secret_access_key,
                  "upload_cutoff": "20M", "chunk_size": "5M", "no_check_bucket": "true"}
        self.environment |= {f"RCLONE_CONFIG_PEER_{name.upper()}": value for name, value in remote.items()}
        self.environment |= {"RCLONE_CONFIG": "/dev/null", "RCLONE_RETRIES": "1", "RCLONE_LOW_LEVEL_RETRIES": "1"}
        if server.certificate:
            self.environment["RCLONE_CA_CERT"] = str(server.certificate.certificate)
            self.environment.pop("AWS_CA_BUNDLE", None)  # rclone's SDK cannot have both

    def path(self, key):
        return f"peer:{self.bucket}/{key}"

    def upload(self, path, key):
        self.run("rclone", "copyto", path, self.path(key))

    def list(self, prefix):
        listing = json.loads(self.run("rclone", "lsjson", "--recursive", "--files-only", f"peer:{self.bucket}"))
        return {entry["Path"]: entry["Size"] for entry in listing if entry["Path"].startswith(prefix)}

    def read_range(self, key, first, last):
        return self.run("rclone", "cat", "--offset", first, "--count", last - first + 1, self.path(key))

    def delete(self, key):
        self.run("rclone", "deletefile", self.path(key))


class NodeSdk(Client):
    """@aws-sdk/client-s3: streams, so unsigned trailers; parts of 5 MiB from lib-storage."""

    program = "node"

    def node(self, *arguments):
        return self.run("node", NODE_FOLDER / "client.mjs", *arguments)

    def upload(self, path, key):
        self.node("multipart" if path.stat().st_size > 16 * MIB else "put", path, self.bucket, key)

    def list(self, prefix):
        return json.loads(self.node("list", self.bucket, prefix))

    def read_range(self, key, first, last):
        target = self.folder / "part.bin"
        self.node("get", self.bucket, key, f"bytes={first}-{last}", target)
        return target.read_bytes()

    def delete(self, key):
        self.node("delete", self.bucket, key)


class Curl(Client):
    """curl --aws-sigv4: no S3 client at all, just requests; parts sent by hand."""

    program = "curl"
    part_size = 32 * MIB

    def url(self, key="", query=""):
        # curl signs the path and the query as they stand, so they are written in the canonical form.
        path = urllib.parse.quote(f"/{self.bucket}/{key}" if key else f"/{self.bucket}", safe="/-_.~")
        return f"{self.server.endpoint}{path}" + (f"?{query}" if query else "")

    def curl(self, url, *arguments, stdin=b""):
        region = self.server.region
        secret = f'user = "{self.server.access_key_id}:{self.server.secret_access_key}"\n'
        configuration = self.folder / "curlrc"
        configuration.touch(0o600)
        configuration.write_text(secret)
        certificate = ["--cacert", self.server.certificate.certificate] if self.server.certificate else []
        return self.run("curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--globoff",
                        "--path-as-is", "-K", configuration, "--aws-sigv4", f"aws:amz:{region}:s3", *certificate,
                        "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", *arguments, url, stdin=stdin)

    def upload(self, path, key):
        if path.stat().st_size <= 16 * MIB:
            self.curl(self.url(key), "-T", path)
            return
        started = self.curl(self.url(key, "uploads="), "-X", "POST")
        upload = ElementTree.fromstring(started).findtext("{*}UploadId")
        upload_query = urllib.parse.quote(upload, safe="-_.~")
        tags = []
        with open(path, "rb") as file:
            while part := file.read(self.part_size):
                part_file, head = self.folder / "upload.part", self.folder / "head.txt"
                part_file.write_bytes(part)
                query = f"partNumber={len(tags) + 1}&uploadId={upload_query}"
                self.curl(self.url(key, query), "-T", part_file, "-D", head)
                tags.append(re.search(r"^etag: *(\S+)", head.read_text(), re.MULTILINE | re.IGNORECASE).group(1))
        parts = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
                        for number, tag in enumerate(tags, 1))
        body = self.folder / "complete.xml"
        body.write_text(f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
        answer = self.curl(self.url(key, f"uploadId={upload_query}"), "-X", "POST", "-H", "Content-Type: application/xml",
                           "-H", "Expect:", "--data-binary", f"@{body}")
        assert b"<CompleteMultipartUploadResult" in answer, answer

    def list(self, prefix):
        query = "encoding-type=url&list-type=2&prefix=" + urllib.parse.quote(prefix, safe="-_.~")
        listing = ElementTree.fromstring(self.curl(self.url(query=query)))
        return {urllib.parse.unquote_plus(entry.findtext("{*}Key")): int(entry.findtext("{*}Size"))
                for entry in listing.iterfind("{*}Contents")}

    def read_range(self, key, first, last):
        target = self.folder / "part.bin"
        self.curl(self.url(key), "-r", f"{first}-{last}", "-o", target)
        return target.read_bytes()

    def delete(self, key):
        self.curl(self.url(key), "-X", "DELETE")


CLIENTS = {"aws-cli": AwsCli, "boto3": Boto3, "s3cmd": S3cmd, "rclone": Rclone, "node-sdk": NodeSdk, "curl": Curl}


def missing(client):
    """Why a client cannot be used here, or None."""
    if client.program and not shutil.which(client.program, path="/usr/local/bin:/usr/bin:/bin"):
        return f"{client.program} is not installed"
    if client is NodeSdk and not (NODE_FOLDER / "node_modules" / "@aws-sdk").is_dir():
        return "npm ci has not been run in tests/conformance/node"
    return None
