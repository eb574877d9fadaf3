"""Programs of Debian packages that `./test` unpacks into build/unpacked: installing them would start a server."""

import os
import pathlib

UNPACKED = pathlib.Path(__file__).resolve().parents[2] / "build" / "unpacked"


def folder_of(package):
    """Where the package's files are: its unpacked folder, or /, where it is installed."""
    folder = UNPACKED / package
    return folder if (folder / ".unpacked").exists() else pathlib.Path("/")


def program(package, path):
    """The program at `path` ("usr/sbin/nginx") of a package."""
    file = folder_of(package) / path
    assert os.access(file, os.X_OK), f"{file} is missing; ./test integration unpacks the package {package}"
    return file
