"""The programs that are measured: each a Function of tests/lambda/function_harness.py, started and fed in the same way."""

import functools
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

FOLDER = pathlib.Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[1]
sys.path[:0] = [str(REPOSITORY / "tests" / "lambda"), str(REPOSITORY / "tests" / "support")]

import function_harness  # noqa: E402

SYSTEM_BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")


class Interpreted(function_harness.Function):
    """A handler outside any bare root: `interpreter` runs `script`."""

    interpreter, script = [], None

    def command(self):
        return [*self.interpreter, str(self.script)]


class Contender:
    """How one of them is started. `ledger`: whether the account's stack has one."""

    def __init__(self, name, ledger=False):
        self.name, self.ledger = name, ledger

    def function(self, aws, work):
        raise NotImplementedError

    def package(self):
        """(bytes of the zip that is uploaded, bytes of a zip that brings the SDK too; or None where it has none)."""
        raise NotImplementedError


class Ours(Contender):
    """bootstrap in a bare root, where Amazon Linux keeps its roots: a whole bundle, and the test's CA at its end."""

    def function(self, aws, work):
        return function_harness.Function(aws, work.root, work.folder, name="bootstrap")

    def package(self):
        return (function_harness.DIST / "link-generator-x86_64.zip").stat().st_size, None


class Python(Contender):
    def __init__(self, python):
        version, boto3 = subprocess.run(
            [python, "-c", "import boto3, platform; print(platform.python_version(), boto3.__version__)"],
            check=True, capture_output=True, text=True).stdout.split()
        super().__init__(f"Python {version}, boto3 {boto3}")
        self.python = python

    def function(self, aws, work):
        function = Interpreted(aws, None, work.folder, name="python",
                               environment={"AWS_CA_BUNDLE": str(work.bundle)})
        function.interpreter, function.script = [self.python], FOLDER / "python" / "runtime.py"
        return function

    def package(self):
        handler = {"handler.py": FOLDER / "python" / "handler.py"}
        modules = "boto3 botocore s3transfer jmespath dateutil urllib3 six"
        places = subprocess.run([self.python, "-c", f"for name in '{modules}'.split(): print(__import__(name).__file__)"],
                                check=True, capture_output=True, text=True).stdout.split()
        files = dict(handler)
        for place in map(pathlib.Path, places):
            files |= _tree(place.parent, place.parent.name) if place.name == "__init__.py" else {place.name: place}
        return _zipped(handler), _zipped(files)


class Node(Contender):
    def __init__(self, node):
        version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout.strip()
        super().__init__(f"Node {version}, @aws-sdk v3")
        self.node = node

    def function(self, aws, work):
        # Its own roots are in the program; this adds one.
        function = Interpreted(aws, None, work.folder, name="node",
                               environment={"NODE_EXTRA_CA_CERTS": str(work.authority.file)})
        function.interpreter, function.script = [self.node], FOLDER / "node" / "runtime.mjs"
        return function

    def package(self):
        handler = {"handler.mjs": FOLDER / "node" / "handler.mjs"}
        return _zipped(handler), _zipped(handler | _tree(FOLDER / "node" / "node_modules", "node_modules"))


class Work:
    """What a run of measurements shares: the CA, the bare root, a folder for logs. Gone at the end."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="s3link-lambda-bench-")
        self.folder = pathlib.Path(self._folder.name)
        self.authority = function_harness.TestAuthority(self.folder)
        self.bundle = self.folder / "bundle.pem"
        self.bundle.write_bytes(SYSTEM_BUNDLE.read_bytes() + self.authority.file.read_bytes())
        return self

    @functools.cached_property
    def root(self):
        return function_harness.make_root(self.folder / "root", "x86_64", self.bundle)

    def __exit__(self, *_):
        self._folder.cleanup()


def _tree(folder, name):
    return {f"{name}/{path.relative_to(folder)}": path for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}


def _zipped(files):
    """The size of a zip of these files: name → path."""
    with tempfile.TemporaryFile() as package:
        with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, path in files.items():
                archive.write(path, name)
        return package.tell()


def all_of(python, node):
    """Those that can run here; ours first."""
    if function_harness.CHROOT is None:
        sys.exit("neither chroot nor unshare can give bootstrap a root folder here")
    if shutil.which(node) is None:
        sys.exit(f"{node} is not installed")
    return [Ours("bootstrap"), Ours("bootstrap, with the ledger", ledger=True), Python(python), Node(node)]
