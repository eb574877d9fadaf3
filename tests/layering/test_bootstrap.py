"""The Lambda packages hold one static program that needs nothing of the system it runs on, and no store or libcurl.

Environment: S3LINK_DIST, the folder of link-generator-ARCH.zip (default dist).
"""

import os
import pathlib
import struct
import sys
import zipfile

import pytest

DIST = pathlib.Path(os.environ.get("S3LINK_DIST", pathlib.Path(__file__).resolve().parents[2] / "dist"))
MACHINES = {"x86_64": 62, "arm64": 183}  # ELF: EM_X86_64, EM_AARCH64
MAX_ZIP_BYTES = 3 * 1024 * 1024

# What the libraries say of themselves in every program that holds them.
FOREIGN = {"SQLite": b"SQLite format 3", "libcurl": b"libcurl/", "libpq": b"PGPASSWORD", "GoogleTest": b"gtest_filter"}
ET_EXEC = 2
PT_DYNAMIC, PT_INTERP, PT_GNU_STACK = 2, 3, 0x6474E551
PF_X = 1
SHT_SYMTAB = 2


def faults_of(binary, machine):
    """What is wrong with a program (its bytes), as a list of texts."""
    if binary[:6] != b"\x7fELF\x02\x01":
        return ["no 64-bit little-endian ELF file"]
    kind, for_machine = struct.unpack_from("<HH", binary, 16)
    program_headers, sections = struct.unpack_from("<QQ", binary, 32)
    header_size, header_count, section_size, section_count = struct.unpack_from("<HHHH", binary, 54)
    wrong = []
    if kind != ET_EXEC:
        wrong.append("position-independent: it would relocate itself at each start")
    if for_machine != machine:
        wrong.append(f"for machine {for_machine}")
    for index in range(header_count):
        segment, flags = struct.unpack_from("<II", binary, program_headers + index * header_size)
        if segment in (PT_INTERP, PT_DYNAMIC):
            wrong.append("needs a dynamic loader" if segment == PT_INTERP else "linked dynamically")
        if segment == PT_GNU_STACK and flags & PF_X:
            wrong.append("its stack is executable")
    for index in range(section_count):
        if struct.unpack_from("<I", binary, sections + index * section_size + 4)[0] == SHT_SYMTAB:
            wrong.append("not stripped")
    return wrong + [f"holds {name}" for name, text in FOREIGN.items() if text in binary]


@pytest.mark.parametrize("architecture", MACHINES)
def test_the_package_holds_one_static_program(architecture):
    package = DIST / f"link-generator-{architecture}.zip"
    with zipfile.ZipFile(package) as archive:
        entry, = archive.infolist()
        binary = archive.read(entry)
    assert entry.filename == "bootstrap"
    assert entry.external_attr >> 16 == 0o100755
    assert entry.date_time == (1980, 1, 1, 0, 0, 0)
    assert faults_of(binary, MACHINES[architecture]) == []
    assert package.stat().st_size <= MAX_ZIP_BYTES


def test_a_program_that_needs_a_loader_is_found():
    python = pathlib.Path(sys.executable).resolve().read_bytes()
    assert {"needs a dynamic loader", "linked dynamically"} <= set(faults_of(python, 0))


def test_a_program_with_a_store_is_found():
    machine = MACHINES["x86_64"]
    with zipfile.ZipFile(DIST / "link-generator-x86_64.zip") as archive:
        binary = archive.read("bootstrap")
    assert faults_of(binary + b"SQLite format 3\0", machine) == ["holds SQLite"]
