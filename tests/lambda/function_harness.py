"""Runs the LinkGenerator as Lambda would, against stand-ins for all it calls.

`Aws` is the account: the template's stack and the services. `Function` is one execution environment: a process in a bare
root folder, with a Runtime API of its own. What the function is given in its environment is read out of
deploy/aws/lambda_link_generator.yaml, so the binary and the template cannot drift apart.

Environment: S3LINK_DIST, the folder of link-generator-ARCH.zip (default dist); S3LINK_TEST_LOGS as in s3link_harness.
"""

import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import zipfile

import aws_peers
import cfn_stack
import dynamodb_peer
import pytest
import runtime_api
import xray_listener
from aws_signature import KeyPair

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DIST = pathlib.Path(os.environ.get("S3LINK_DIST", REPOSITORY / "dist"))
QEMU = shutil.which("qemu-aarch64-static", path="/usr/bin:/usr/local/bin")

REGION = cfn_stack.PSEUDO["AWS::Region"]
ROLE = KeyPair("ASIAQ4EXAMPLEROLE001", "zR0LEsecret/K7MDENG+bPxRfiCYROLEKEY",
               "IQoJb3JpZ2luX2VjEH4aDGV1LWNlbnRyYWwtMSJIMEYCIQDsessiontoken0fTheRole/+==")
SIGNER = KeyPair("AKIAQ4EXAMPLESIGNER1", "wJalrXUtnFEMI/S1GNER/bPxRfiCYUSERKEY")
SECOND_SIGNER = KeyPair("AKIAQ4EXAMPLESIGNER2", "second+Secret/0fTheIamUser/AfterRotation")
_numbers = itertools.count(1)


def _root_command():
    """What runs a program in another root folder here; None where nothing does."""
    chroot = shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin")
    for command in ([chroot], ["unshare", "--user", "--map-root-user", chroot]):
        if chroot and subprocess.run([*command, "/", "/bin/true"], capture_output=True).returncode == 0:
            return command
    return None


CHROOT = _root_command()
CA_BUNDLE = "etc/pki/tls/certs/ca-bundle.crt"  # where Amazon Linux 2023 has it
ARCHITECTURES = ["x86_64", "arm64"]


class TestAuthority:
    """A CA and a certificate of it for 127.0.0.1 and names in example.org."""

    __test__ = False

    def __init__(self, folder):
        self.file = folder / "ca.pem"
        key, certificate, request = folder / "key.pem", folder / "cert.pem", folder / "request.pem"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        names = folder / "names.cnf"
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:*.example.org\n")

        def openssl(*arguments):
            subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

        openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=Test CA", "-keyout", folder / "ca.key", "-out",
                self.file)
        openssl("req", *curve, "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", folder / "ca.key", "-CAcreateserial", "-days",
                "2", "-extfile", names, "-out", certificate)
        self.server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server_context.load_cert_chain(certificate, key)


def make_root(folder, architecture, ca_file):
    """A folder with nothing in it but the zip's contents, /etc/resolv.conf and CA certificates (and, for the other
    architecture, its emulator)."""
    package = DIST / f"link-generator-{architecture}.zip"
    if not package.exists():
        pytest.fail(f"{package} is missing: deploy/aws/build-lambda {architecture} makes it")
    task = folder / "var" / "task"
    task.mkdir(parents=True)
    with zipfile.ZipFile(package) as archive:
        for entry in archive.infolist():
            archive.extract(entry, task)
            (task / entry.filename).chmod(entry.external_attr >> 16 & 0o777)
    (folder / CA_BUNDLE).parent.mkdir(parents=True)
    shutil.copyfile(ca_file, folder / CA_BUNDLE)
    shutil.copyfile("/etc/resolv.conf", folder / "etc" / "resolv.conf")
    if architecture == "arm64" and CHROOT:
        shutil.copy(QEMU, folder / "qemu-aarch64-static")
    return folder


class Aws:
    """The account: the two stacks, with values for parameters of the second, and the services the function uses."""

    def __init__(self, parameters=None, tls_context=None, link_key=SIGNER):
        self.stack = cfn_stack.link_stack(**(parameters or {}))
        self.resources = self.stack.resources()
        self.function = self.resources["LinkGenerator"]["Properties"]
        self.variables = {name: str(value) for name, value in self.function["Environment"]["Variables"].items()}
        self.timeout_seconds = int(self.function["Timeout"])
        self.bucket = self.resources["FileExchangeBucket"]["Properties"]["BucketName"]
        self.link_keys = [ROLE, SIGNER, SECOND_SIGNER]
        self.tls_context = tls_context

        options = {"region": REGION, "tls_context": tls_context}
        self.ses = aws_peers.SesPeer([ROLE], self.stack.exports["LinkDownloadTemplateName"],
                                     self.stack.exports["ConfigSetName"], self.variables["EmailSender"], **options)
        self.peers = {"SESV2": self.ses}
        self.table = self.secrets = self.s3 = None
        if "LedgerTable" in self.resources:
            properties = self.resources["LedgerTable"]["Properties"]
            self.table = dynamodb_peer.DynamoDbPeer(
                [ROLE], self.stack.value({"Ref": "LedgerTable"}),
                [key["AttributeName"] for key in properties["KeySchema"]],
                properties["TimeToLiveSpecification"]["AttributeName"], **options)
            self.peers["DYNAMODB"] = self.table
        if "LinkSignerSecret" in self.resources:
            self.secret_id = self.stack.value({"Ref": "LinkSignerSecret"})
            self.secrets = aws_peers.SecretsPeer([ROLE], {self.secret_id: self.secret_text(link_key)}, **options)
            self.peers["SECRETS_MANAGER"] = self.secrets
        self.xray = xray_listener.XRayListener()

    def secret_text(self, pair):
        """What the template puts into the secret for a key pair of the IAM user."""
        text = self.resources["LinkSignerSecret"]["Properties"]["SecretString"]
        return text.replace("LinkSignerAccessKey.SecretAccessKey", pair.secret_access_key).replace(
            "LinkSignerAccessKey", pair.access_key_id)

    def listing(self):
        """The bucket's listing, which links then point to as well: only for those who sweep."""
        if self.s3 is None:
            self.s3 = aws_peers.S3ListingPeer([ROLE], self.bucket, region=REGION, tls_context=self.tls_context)
            self.peers["S3"] = self.s3
        return self.s3

    @property
    def mails(self):
        with self.ses.changed:
            return list(self.ses.mails)

    def allowed_actions(self):
        """The actions of the function's role."""
        actions = set()
        policies = list(self.resources["LambdaExecutionRole"]["Properties"]["Policies"])
        policies += [resource["Properties"] for resource in self.resources.values()
                     if resource["Type"] == "AWS::IAM::Policy" and "Roles" in resource["Properties"]]
        for policy in policies:
            for statement in policy["PolicyDocument"]["Statement"]:
                listed = statement["Action"]
                actions |= {listed} if isinstance(listed, str) else set(listed)
        return actions

    def stop(self):
        for peer in self.peers.values():
            peer.stop()
        self.xray.stop()
        wrong = [complaint for peer in [*self.peers.values(), self.xray] for complaint in peer.complaints]
        assert not wrong, wrong


class Function:
    """One execution environment in `root` (of make_root). `environment` adds to what the template and Lambda give; a value
    of None takes a variable away. Where nothing can give it a root folder of its own, it runs in this system's."""

    def __init__(self, aws, root, log_folder, architecture="x86_64", environment=None, name="function"):
        self.aws, self.root, self.architecture, self.chroot = aws, root, architecture, CHROOT is not None
        self.runtime = runtime_api.RuntimeApi(REGION, "LinkGenerator")
        self.process = None
        self.exit_status = None
        self.more_environment = environment or {}
        folder = pathlib.Path(os.environ.get("S3LINK_TEST_LOGS") or log_folder)
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self.log_path = folder / f"{name}-{worker}-{os.getpid()}-{next(_numbers)}.log"
        self.logs_checked = True  # whether every line must be JSON
        secrets = set().union(*(pair.secrets for pair in aws.link_keys))
        with open(self.log_path.with_suffix(".secrets"), "w", encoding="utf-8") as file:
            json.dump(sorted(secrets), file)

    @property
    def environment(self):
        """Source of the names: AWS Lambda Developer Guide, "Defined runtime environment variables"."""
        endpoints = {f"AWS_ENDPOINT_URL_{service}": peer.url for service, peer in self.aws.peers.items()}
        properties = self.aws.function
        given = self.aws.variables | endpoints | {
            "AWS_LAMBDA_RUNTIME_API": self.runtime.address, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ROLE.access_key_id, "AWS_SECRET_ACCESS_KEY": ROLE.secret_access_key,
            "AWS_SESSION_TOKEN": ROLE.session_token, "AWS_LAMBDA_FUNCTION_NAME": "LinkGenerator",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(properties["MemorySize"]),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/LinkGenerator",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/22/[$LATEST]1", "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_XRAY_DAEMON_ADDRESS": self.aws.xray.address, "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "_HANDLER": properties["Handler"], "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
            "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        } | ({} if self.chroot else {"SSL_CERT_FILE": str(self.root / CA_BUNDLE)}) | self.more_environment
        return {name: value for name, value in given.items() if value is not None}

    def command(self):
        bootstrap = "/var/task/bootstrap" if self.chroot else str(self.root / "var/task/bootstrap")
        emulator = ["/qemu-aarch64-static" if self.chroot else QEMU] if self.architecture == "arm64" else []
        return [*([*CHROOT, str(self.root)] if self.chroot else []), *emulator, bootstrap]

    # -- life -------------------------------------------------------------------------------------------------------

    def start(self):
        assert self.process is None
        # chroot itself must start with the libraries of this system.
        environment = dict(self.environment)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, close_fds=True)
        return self

    def wait_polling(self, timeout=30):
        """Waits until the function asks for work: its init is over."""
        self._wait(lambda: self.runtime.waiting > 0, timeout, "the first poll")

    def kill(self):
        """As a crash, or Lambda at the deadline."""
        self.process.kill()
        self.process.wait()
        self.process = None
        # The environment is gone; what it had open will not be answered.
        with self.runtime.changed:
            self.runtime._open.clear()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def wait_exit(self, timeout=30):
        self.exit_status = self.process.wait(timeout)
        self.process = None
        return self.exit_status

    def stop(self):
        """SIGTERM, as Lambda at the end of an environment with an extension; then everything it left is looked at."""
        if self.process is not None:
            assert self.process.poll() is None, f"the function ended with {self.process.returncode}:\n{self.log()[-3000:]}"
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"SIGTERM did not end the function:\n{self.log()[-3000:]}") from None
            finally:
                self.process = None
                self.runtime.stop()
            assert status == 0, f"SIGTERM: status {status}:\n{self.log()[-3000:]}"
        else:
            self.runtime.stop()
        assert not self.runtime.complaints, self.runtime.complaints
        for invocation in self.runtime.invocations:
            if invocation.answered:
                assert invocation.seconds < invocation.timeout_seconds, "answered after the deadline"
            assert not invocation.repeats, "answered twice"
        self.check_no_secrets()
        if self.logs_checked:
            self.log_lines()

    def give_up(self):
        """Ends everything without looking: the test has failed already."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.runtime.stop()

    # -- work -------------------------------------------------------------------------------------------------------

    def invoke(self, event, timeout=60, **options):
        """One event, until it is answered. `options` of RuntimeApi.submit; the deadline is the template's Timeout."""
        return self.finish(self.submit(event, **options), timeout)

    def submit(self, event, **options):
        """One event, not waited for."""
        return self.runtime.submit(event, **{"timeout_seconds": float(self.aws.timeout_seconds)} | options)

    def finish(self, invocation, timeout=60):
        self._wait(lambda: invocation.answered, timeout, "an answer")
        return invocation

    def succeed(self, event, **options):
        """invoke(), and the answer's document; an error is a failure of the test."""
        invocation = self.invoke(event, **options)
        assert invocation.kind == "response", f"{invocation.body!r}\n{self.log()[-3000:]}"
        return invocation.json()

    def fail(self, event, error_type, **options):
        """invoke(), which must fail with that type; the error's message."""
        invocation = self.invoke(event, **options)
        assert invocation.kind == "error", invocation.body
        document = invocation.json()
        assert document["errorType"] == invocation.error_type == error_type, document
        return document["errorMessage"]

    def retry(self, event, times=20):
        """Lambda's retries, until one succeeds; the time between them is made to pass in the ledger. The answer."""
        for _ in range(times):
            invocation = self.invoke(event)
            if invocation.kind == "response":
                return invocation.json()
            self.aws.table.time_passes(120)
        raise AssertionError(f"no retry succeeded: {invocation.body}")

    def _wait(self, condition, timeout, what):
        def reached():
            return condition() or self.process is None or self.process.poll() is not None

        with self.runtime.changed:
            for _ in range(int(timeout * 10)):
                if self.runtime.changed.wait_for(reached, 0.1):
                    break
        assert condition(), (f"no {what} within {timeout} s; process: "
                             f"{self.process.poll() if self.process else 'none'}\n{self.log()[-3000:]}")

    # -- what it left -----------------------------------------------------------------------------------------------

    def log(self):
        return self.log_path.read_text(errors="replace")

    def log_lines(self):
        """The log's lines, each a JSON object."""
        lines = []
        *whole, rest = self.log().split("\n")  # splitlines() would also split at characters inside of JSON texts
        assert rest == "", f"a log line without its end: {rest[:500]!r}"
        for line in whole:
            try:
                document = json.loads(line)
            except ValueError:
                raise AssertionError(f"a log line that is not JSON: {line[:500]!r}") from None
            assert isinstance(document, dict), line
            lines.append(document)
        return lines

    def logged(self, message):
        """The log's lines with that message."""
        return [line for line in self.log_lines() if line.get("message") == message]

    def check_no_secrets(self):
        outputs = {"the log": self.log().encode(errors="replace")}
        for invocation in self.runtime.invocations:
            outputs[f"the answer to {invocation.request_id}"] = invocation.body or b""
        if self.runtime.init_error:
            outputs["the init error"] = self.runtime.init_error.body
        outputs |= {f"X-Ray packet {number}": packet for number, packet in enumerate(self.aws.xray.packets)}
        secrets = {secret for pair in self.aws.link_keys for secret in pair.secrets}
        secrets |= {re.search("X-Amz-Signature=([0-9a-f]{64})", mail.data["LINK"]).group(1) for mail in self.aws.mails}
        for what, output in outputs.items():
            assert not any(secret.encode() in output for secret in secrets), f"a secret in {what}"
            assert not re.search(rb"X-Amz-(Signature|Credential|Security-Token)", output, re.IGNORECASE), (
                f"a presigned URL in {what}")

    def resident_bytes(self, field="VmHWM"):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field}")

    def descriptor_count(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
