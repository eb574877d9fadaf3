"""The function's binary is hardened as far as a static one can be (docs/decisions/0070-hardening.md)."""

import subprocess
import zipfile

import pytest
from function_harness import ARCHITECTURES, DIST


@pytest.fixture(scope="module", params=ARCHITECTURES)
def bootstrap(request, tmp_path_factory):
    package = DIST / f"link-generator-{request.param}.zip"
    return zipfile.ZipFile(package).extract("bootstrap", tmp_path_factory.mktemp(request.param))


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], check=True, capture_output=True, text=True).stdout


def holds(binary, *words):
    with open(binary, "rb") as file:
        content = file.read()
    return {word for word in words if word.encode() in content}


def test_nothing_is_bound_at_run_time_and_its_tables_are_read_only(bootstrap):
    segments = readelf("-l", bootstrap)
    assert "INTERP" not in segments and "DYNAMIC" not in segments
    assert "GNU_RELRO" in segments


def test_its_stack_is_guarded_and_not_executable(bootstrap):
    stack, = (line for line in readelf("-l", bootstrap).splitlines() if "GNU_STACK" in line)
    assert "RWE" not in stack
    # What libc says when a guard or the size of a buffer was overrun is linked in only where it is called.
    words = ("stack smashing detected", "buffer overflow detected")
    assert holds(bootstrap, *words) == set(words)


def test_preconditions_of_the_standard_library_are_checked_in_our_code(bootstrap):
    # A broken one is told with the function's signature: these name types of ours.
    words = ("std::expected<void, s3link::Error>::error() const", "this->_M_is_engaged()")
    assert holds(bootstrap, *words) == set(words)
