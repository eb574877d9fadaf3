"""Runs a program under the restrictions that unit_sandbox.py found in a unit: sandbox_launcher.py SPECIFICATION PROGRAM…

Needs root, and stays one process: the program has this one's id. It works in a chroot, too, where neither user namespaces
nor pivot_root are to be had: the new root is made of mounts and entered by chroot. Its place must be a private mount, so
that nothing of it is seen outside.
"""

import ctypes
import json
import os
import resource
import sys

import seccomp

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 8, 32, 4096, 16384
CLONE_NEWNS = 0x20000
PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 23, 24, 38
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, kind=None, flags=0, options=None):
    encoded = [text.encode() if text is not None else None for text in (source, target, kind, options)]
    check(libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3]), f"mount on {target}")


def bind(source, target):
    """A file or a folder, with what is mounted below it."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "wb").close()
    mount(source, target, flags=MS_BIND | MS_REC)


def graft(source, target, without):
    """A folder of its own at `target` that shows what is in `source`, so that something can be added to it."""
    os.makedirs(target)
    for name in os.listdir(source):
        path = os.path.join(source, name)
        if name in without:
            continue
        if os.path.islink(path):
            os.symlink(os.readlink(path), os.path.join(target, name))
        elif os.path.isdir(path) or os.path.isfile(path):
            bind(path, os.path.join(target, name))


def temporary(target, mode, flags=MS_NOSUID | MS_NODEV):
    os.makedirs(target, exist_ok=True)
    mount("tmpfs", target, "tmpfs", flags, f"mode={mode:o}")


def make_devices(target):
    temporary(target, 0o755, MS_NOSUID | MS_NOEXEC)
    for name in DEVICES:
        bind(f"/dev/{name}", f"{target}/{name}")
    temporary(f"{target}/shm", 0o1777)
    return [f"{target}/shm"]


def build_root(spec):
    """Mounts the new root; returns the mounts in it that stay writable."""
    root = spec["root"]
    temporary(root, 0o755)
    graft("/usr", f"{root}/usr", without=("bin",))
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
        elif name.startswith("lib") and os.path.isdir(f"/{name}"):
            bind(f"/{name}", f"{root}/{name}")
    graft("/etc", f"{root}/etc", without=("s3link",))
    writable = []
    for source, target in spec["read_only"]:
        bind(source, root + target)
    for source, target in spec["writable"]:
        bind(source, root + target)
        writable.append(root + target)
    for target in spec["private_temporary"]:
        temporary(root + target, 0o1777)
        writable.append(root + target)
    for target in spec["inaccessible"]:
        temporary(root + target, 0)
    os.makedirs(f"{root}/run", exist_ok=True)
    if os.path.isdir("/sys"):
        bind("/sys", f"{root}/sys")
    os.makedirs(f"{root}/proc")
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, spec["proc_options"])
    if spec["private_devices"]:
        writable += make_devices(f"{root}/dev")
    else:
        bind("/dev", f"{root}/dev")
    return writable


def make_read_only(root, writable):
    with open("/proc/self/mountinfo") as table:
        points = [line.split(" ")[4].encode().decode("unicode_escape") for line in table]
    for point in points:
        if (point == root or point.startswith(root + "/")) and point not in writable:
            mount(None, point, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID)


def enter_root(spec):
    check(libc.unshare(CLONE_NEWNS), "unshare")
    writable = build_root(spec)
    if spec["read_only_root"]:
        make_read_only(spec["root"], writable)
    os.chroot(spec["root"])
    os.chdir(spec["working_directory"])


def give_up_privileges(spec):
    for name, value in spec["limits"].items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)  # more needs a capability that root of a container may lack
        resource.setrlimit(number, (value, value))
    os.umask(spec["umask"])
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1 and capability not in spec["capabilities"]:
            check(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "PR_CAPBSET_DROP")
    os.setgroups([])
    os.setresgid(spec["gid"], spec["gid"], spec["gid"])
    os.setresuid(spec["uid"], spec["uid"], spec["uid"])  # the capabilities go with it
    if spec["no_new_privileges"]:
        check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")


def load_filters(spec):
    """One filter for each rule's directive, as systemd does; the list of what is allowed comes last, for it may forbid to
    load another."""
    for rules in spec["denied"]:
        program = seccomp.SyscallFilter(seccomp.ALLOW)
        for name, number, conditions in rules:
            arguments = [seccomp.Arg(index, getattr(seccomp, operation), *values) for index, operation, *values in conditions]
            try:
                program.add_rule(seccomp.ERRNO(number), name, *arguments)
            except RuntimeError:
                continue  # no system call of this machine
        program.load()
    if spec["allowed"] is not None:
        program = seccomp.SyscallFilter(seccomp.ERRNO(spec["error_number"]))
        for name in spec["allowed"]:
            try:
                program.add_rule(seccomp.ALLOW, name)
            except RuntimeError:
                continue  # libseccomp does not know it, so nobody can allow it
        program.load()


def main():
    with open(sys.argv[1]) as file:
        spec = json.load(file)
    enter_root(spec)
    give_up_privileges(spec)
    load_filters(spec)
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
