"""The restrictions of deploy/systemd/s3link.service where systemd is not process 1.

Everything is read out of the unit, so that a change of the unit is what is tested: each directive of [Service] is either
put into the specification that sandbox_launcher.py follows, or stands in NOT_HERE with the reason. One that is in neither
is an error.
"""

import errno
import functools
import json
import os
import pathlib
import re
import shlex
import stat
import subprocess

from s3link_harness import REPOSITORY, Server, clean_environment

UNIT = REPOSITORY / "deploy" / "systemd" / "s3link.service"
LAUNCHER = pathlib.Path(__file__).with_name("sandbox_launcher.py")
PYTHON = "/usr/bin/python3"

# What systemd as process 1 does, or has nothing to do with what the process may do.
SUPERVISION = "supervision, no restriction"
NOT_HERE = {
    **dict.fromkeys(("Type", "NotifyAccess", "ExecReload", "TimeoutStartSec", "TimeoutStopSec", "WatchdogSec", "Restart",
                     "RestartSec", "RestartPreventExitStatus", "TasksMax"), SUPERVISION),
    "User": "a number that no user has", "Group": "as User",
    "StateDirectoryMode": "the folder is made by the test", "ConfigurationDirectoryMode": "as StateDirectoryMode",
    "PrivateUsers": "needs a user namespace, which a chroot cannot have; the process has no capability either way",
    "DevicePolicy": "needs a control group; PrivateDevices leaves no device to open",
    "PrivateMounts": "all mounts are", "AmbientCapabilities": "none are passed on",
    "Environment": "BOOT_ID, without which a server goes as after a boot",
    "KeyringMode": "system calls for keyrings are not among those allowed", "RemoveIPC": "after the end",
}

FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
NAMESPACE_FLAGS = (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
MAX_FAMILY = 46
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000


def directives(unit=UNIT):
    """The directives of [Service]: name -> its values, in order."""
    section, found = None, {}
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@functools.cache
def calls_of_group(group):
    """The system calls that "@group" stands for, by systemd's own table."""
    listing = subprocess.run(["systemd-analyze", "syscall-filter", group], env=clean_environment(), check=True,
                             capture_output=True, text=True).stdout
    names = re.findall(r"^ +(@?[a-z0-9_-]+)$", listing, re.MULTILINE)
    assert names, listing
    return frozenset().union(*(calls_of_group(name) if name.startswith("@") else {name} for name in names))


def calls_of(value):
    return frozenset().union(*(calls_of_group(name) if name.startswith("@") else {name} for name in value.split()))


def allowed_calls(values):
    """An allow list, from which later lines with "~" take away. @default is part of each (systemd.exec(5))."""
    assert values and not values[0].startswith("~"), "an allow list is expected"
    allowed = set(calls_of_group("@default"))
    for value in values:
        if value.startswith("~"):
            allowed -= calls_of(value[1:]) - calls_of_group("@default")
        else:
            allowed |= calls_of(value)
    return sorted(allowed)


def deny(names, number=errno.EPERM, *conditions):
    return [(name, number, conditions) for name in names]


def deny_families(value):
    """socket() of every family that is not listed. The largest number is checked as larger ones are to come."""
    kept = [FAMILIES[name] for name in value.split()]
    rules = [("socket", errno.EAFNOSUPPORT, [(0, "EQ", family)]) for family in range(MAX_FAMILY + 1) if family not in kept]
    return rules + [("socket", errno.EAFNOSUPPORT, [(0, "GT", MAX_FAMILY)])]


def deny_namespaces():
    rules = deny(["clone3"], errno.ENOSYS) + deny(["setns"])
    for flag in NAMESPACE_FLAGS:
        rules += deny(["clone", "unshare"], errno.EPERM, (0, "MASKED_EQ", flag, flag))
    return rules


def deny_executable_memory():
    both = PROT_WRITE | PROT_EXEC
    return [("mmap", errno.EPERM, [(2, "MASKED_EQ", both, both)]),
            ("mprotect", errno.EPERM, [(2, "MASKED_EQ", PROT_EXEC, PROT_EXEC)]),
            ("pkey_mprotect", errno.EPERM, [(2, "MASKED_EQ", PROT_EXEC, PROT_EXEC)]),
            ("shmat", errno.EPERM, [(2, "MASKED_EQ", SHM_EXEC, SHM_EXEC)])]


def deny_set_id_files():
    rules = deny(["openat2"], errno.ENOSYS)
    for bit in (stat.S_ISUID, stat.S_ISGID):
        for name, argument in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mkdir", 1), ("mkdirat", 2), ("mknod", 1),
                               ("mknodat", 2), ("creat", 1)):
            rules.append((name, errno.EPERM, [(argument, "MASKED_EQ", bit, bit)]))
        for name, flags, mode in (("open", 1, 2), ("openat", 2, 3)):
            rules.append((name, errno.EPERM, [(flags, "MASKED_EQ", os.O_CREAT, os.O_CREAT), (mode, "MASKED_EQ", bit, bit)]))
    return rules


# Directives that are nothing but a filter of system calls, when they are "yes".
FILTERS = {
    "RestrictNamespaces": deny_namespaces, "MemoryDenyWriteExecute": deny_executable_memory,
    "RestrictSUIDSGID": deny_set_id_files,
    "RestrictRealtime": lambda: [("sched_setscheduler", errno.EPERM, [(1, "EQ", policy)]) for policy in (1, 2, 6)],
    "LockPersonality": lambda: deny(["personality"], errno.EPERM, (0, "NE", 0)),
    "ProtectClock": lambda: deny(sorted(calls_of_group("@clock"))),
    "ProtectKernelLogs": lambda: deny(["syslog"]),
    "ProtectKernelModules": lambda: deny(sorted(calls_of_group("@module"))),
    "ProtectHostname": lambda: deny(["sethostname", "setdomainname"]),
}
# Directives whose part is the way the root folder is made; the value that is known.
MOUNTS = {"ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes",
          "ProtectProc": "invisible", "ProcSubset": "pid", "ProtectKernelTunables": "yes", "ProtectControlGroups": "yes",
          "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "SystemCallArchitectures": "native"}


def unavailable():
    """Why nothing can be run under the restrictions here, or None."""
    if os.geteuid() != 0:
        return "mounts and users can only be changed by root"
    tried = subprocess.run(["unshare", "--mount", "--propagation", "unchanged", "true"], env=clean_environment(),
                           capture_output=True, text=True)
    return None if tried.returncode == 0 else f"this machine allows no mounts: {tried.stderr.strip()}"


class UnitSandbox:
    """The unit's restrictions around a tree that deploy/systemd/install filled, for the user with the number `uid`. To be
    used in a `with`, whose end takes its mount away."""

    def __init__(self, folder, tree, uid, unit=UNIT):
        self.service = directives(unit)
        unknown = self.service.keys() - NOT_HERE.keys() - FILTERS.keys() - MOUNTS.keys() - {
            "ExecStart", "StateDirectory", "ConfigurationDirectory", "WorkingDirectory", "UMask", "LimitNOFILE", "LimitCORE",
            "RestrictAddressFamilies", "SystemCallFilter", "SystemCallErrorNumber"}
        assert not unknown, f"{unknown} of {unit.name}: say in unit_sandbox.py what it does, or why it cannot be done here"
        for name, value in MOUNTS.items():
            assert self.service.get(name) == [value], f"{name}={self.service.get(name)} is not what unit_sandbox.py makes"
        self.folder, self.tree, self.uid = folder, tree, uid
        folder.mkdir()
        self.state = tree / "var" / "lib" / self.one("StateDirectory")
        self.state.mkdir(parents=True, exist_ok=True)
        os.chown(self.state, uid, uid)
        self.state.chmod(0o700)
        self.configuration = tree / "etc" / self.one("ConfigurationDirectory")
        os.chown(self.configuration, 0, uid)
        self.configuration.chmod(0o750)
        (folder / "root").mkdir()
        self.specification = folder / "specification.json"
        self.specification.write_text(json.dumps(self._specification()))

    def __enter__(self):
        # Below a private mount, what the launcher mounts in its own namespace stays there, whatever "/" is like.
        root = self.folder / "root"
        for arguments in (["--bind", root, root], ["--make-private", root]):
            subprocess.run(["mount", *arguments], env=clean_environment(), check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.folder / "root"], env=clean_environment(), check=True)

    def one(self, name):
        (value,) = self.service[name]
        return value

    def _specification(self):
        denied = [rules() for name, rules in FILTERS.items() if self.service.get(name) == ["yes"]]
        denied.append(deny_families(self.one("RestrictAddressFamilies")))
        binary = shlex.split(self.one("ExecStart"))[0]
        return {
            "root": str(self.folder / "root"), "uid": self.uid, "gid": self.uid, "capabilities": [],
            "no_new_privileges": True, "read_only_root": True, "private_devices": True,
            "read_only": [(str(self.tree) + binary, binary),
                          (str(self.configuration), f"/etc/{self.one('ConfigurationDirectory')}"),
                          # For what a test runs in there itself; the service does not know of it.
                          ("/usr/bin", "/host-programs")],
            "writable": [(str(self.state), f"/var/lib/{self.one('StateDirectory')}")],
            "private_temporary": ["/tmp", "/var/tmp"], "inaccessible": ["/home", "/root", "/run/user"],
            "proc_options": f"hidepid={self.one('ProtectProc')},subset={self.one('ProcSubset')}",
            "working_directory": self.one("WorkingDirectory"), "umask": int(self.one("UMask"), 8),
            "limits": {f"RLIMIT_{name}": int(self.one(f"Limit{name}")) for name in ("NOFILE", "CORE")},
            "denied": denied, "allowed": allowed_calls(self.service["SystemCallFilter"]),
            "error_number": getattr(errno, self.one("SystemCallErrorNumber")),
        }

    def command(self, *program):
        return [PYTHON, LAUNCHER, self.specification, *program]

    def start_command(self):
        """What ExecStart says, in the sandbox."""
        return self.command(*shlex.split(self.one("ExecStart")))


class SandboxedServer(Server):
    """`s3link serve` as the unit starts it. Its settings are those of the configuration file in `sandbox`."""

    def __init__(self, sandbox, environment=None, **options):
        super().__init__(sandbox.state, environment=environment, **options)
        self.sandbox = sandbox
        # The unit passes no environment but the manager's.
        given = {name: value for name, value in self.environment.items() if name in (environment or {})}
        self.service_environment = {"PATH": "/usr/bin", "LANG": "C.UTF-8", **given}

    def start(self, wait=True):
        (self.data_dir / "listen").unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.sandbox.start_command(), env=self.service_environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=True)
        if wait:
            self.wait_ready()
        return self
