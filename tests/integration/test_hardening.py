"""The server's binary is hardened as Debian hardens its own (docs/decisions/0070-hardening.md)."""

import re
import subprocess

import pytest

from s3link_harness import BINARY


def tool(*arguments):
    return subprocess.run([*map(str, arguments)], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def imports():
    """The names of the functions that the binary takes from shared libraries."""
    return {line.split()[-1].partition("@")[0] for line in tool("nm", "-D", "--undefined-only", BINARY).splitlines()}


def test_it_is_bound_at_start_and_its_tables_are_read_only():
    dynamic = tool("readelf", "-dW", BINARY)
    assert "BIND_NOW" in dynamic
    assert re.search(r"FLAGS_1.*\bNOW\b", dynamic)
    assert re.search(r"^\s*GNU_RELRO\b", tool("readelf", "-lW", BINARY), re.MULTILINE)


def test_it_is_loaded_at_a_random_address():
    assert re.search(r"Type:\s+DYN\b", tool("readelf", "-hW", BINARY))
    assert re.search(r"FLAGS_1.*\bPIE\b", tool("readelf", "-dW", BINARY))


def test_its_stack_is_guarded_and_not_executable(imports):
    assert "__stack_chk_fail" in imports
    stack, = (line for line in tool("readelf", "-lW", BINARY).splitlines() if "GNU_STACK" in line)
    assert "RWE" not in stack


def test_calls_of_libc_are_fortified(imports):
    fortified = {name for name in imports if re.fullmatch(r"__\w+_chk", name)} - {"__stack_chk_fail"}
    assert fortified, imports  # those alone where the compiler knows a size and cannot show that it is kept


def test_preconditions_of_the_standard_library_are_checked():
    # What libstdc++ calls when one is broken is in its shared library from version 12 on.
    assert "_ZSt21__glibcxx_assert_failPKciS0_S0_" in tool("nm", "-D", "--undefined-only", BINARY)


def test_no_library_is_looked_for_in_a_folder_of_ours():
    assert not re.search(r"R(UN)?PATH", tool("readelf", "-dW", BINARY))
