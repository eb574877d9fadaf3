"""Checks who includes whom (check_layers.py REPOSITORY), and that no file of the repository names a machine's paths.

    core  <-  ports  <-  services  and  adapters  <-  apps

An include points against the arrows only. Services see no adapter, adapters see neither services nor each other, and
only apps see all. The core does no I/O: it includes no socket, file, clock, thread or logger header.
Tests beside the code may use their own module, and the fakes of tests/support.
"""

import pathlib
import re
import subprocess
import sys

# Layer -> the layers its files may include from.
ALLOWED = {
    "core": {"core"},
    "ports": {"core", "ports"},
    "services": {"core", "ports", "services"},
    "adapters": {"core", "ports", "adapters"},  # its own folder only, checked below
    "apps": {"core", "ports", "services", "adapters", "apps"},
}

# Headers that do I/O, wait, or start threads: not for the core. std::chrono's types, std::filesystem::path as a value and
# <mutex> (a cache's guard) are fine.
IMPURE = re.compile(
    r"^(boost/(asio|beast)(/|\.hpp)|sqlite3\.h|curl/|spdlog/|CLI/"
    r"|(iostream|fstream|thread|future|condition_variable|semaphore|latch|barrier|stop_token|cstdio|stdio\.h)$"
    r"|(unistd|fcntl|poll|netdb|pthread|signal|dirent)\.h$|csignal$|(sys|netinet|arpa)/)")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
IMPURE_CALLS = re.compile(
    r"\b(?:getenv|(?:system|steady)_clock::now|gettimeofday|time\(nullptr\)|filesystem::(?!path\b)\w+)")


def check_includes(source):
    """Yields one sentence per include that points the wrong way."""
    modules = {}
    for path in sorted(source.rglob("*.[ch]pp")):
        parts = path.relative_to(source).parts
        layer, module = parts[0], parts[1] if len(parts) > 2 else ""
        is_test = path.stem.endswith(("_test", "_fixture"))
        text = path.read_text()
        where = f"src/{'/'.join(parts)}"
        if layer not in ALLOWED:
            yield f"{where}: {layer} is no layer of the architecture"
            continue
        for quote, name in INCLUDE.findall(text):
            target = name.split("/")
            if quote == '"' and target[0] in ALLOWED:
                if not (source / name).exists():
                    yield f"{where}: includes {name}, which does not exist"
                if target[0] not in ALLOWED[layer] and not (layer == "core" and is_test and target[0] == "ports"):
                    yield f"{where}: {layer} must not include {name}"
                if layer == target[0] == "adapters" and module != target[1] and len(target) > 2:
                    yield f"{where}: one adapter must not include another's {name}"
                if layer == target[0] == "core" and not is_test and module != target[1]:
                    modules.setdefault(module, set()).add(target[1])
            elif quote == '"' and not (is_test and name.startswith("support/")) and not (path.parent / name).exists():
                yield f'{where}: includes "{name}": write it from src/, as in "core/sigv4/presign.hpp"'
            elif layer == "core" and not is_test and IMPURE.match(name):
                yield f"{where}: the core does no I/O and starts no thread, but includes <{name}>"
        if layer == "core" and not is_test:
            for match in IMPURE_CALLS.finditer(text):
                yield f"{where}: the core gets its time and settings passed in, but calls {match.group(0)}"
    for module in modules:
        circle = reaches_itself(modules, module)
        if circle:
            yield f"src/core: modules include each other in a circle: {' -> '.join(circle)}"


def reaches_itself(edges, start):
    """A path from `start` back to itself, or None."""
    stack = [(start, [start])]
    seen = set()
    while stack:
        node, path = stack.pop()
        for following in sorted(edges.get(node, ())):
            if following == start:
                return path + [start]
            if following not in seen:
                seen.add(following)
                stack.append((following, path + [following]))
    return None


# What belongs to one machine and not into a repository: build paths, and the addresses packages were fetched from.
FOREIGN = [
    (re.compile(rb'"resolved"\s*:'), "a package lock names the host it was made with (omit-lockfile-registry-resolved)"),
    (re.compile(rb"(?<![\w./])/(?:work|home|Users)/\w"), "a path of one machine"),
    (re.compile(rb"/tmp/(?:wt|plan|fresh)\b"), "a path of one machine"),
    (re.compile(rb"(?<!\w)_(?:authToken|password)\s*="), "a registry's credential"),
    (re.compile(rb"-----BEGIN (?:EC |RSA |ENCRYPTED )?PRIVATE KEY-----"), "a private key"),
]


def tracked_files(repository):
    listed = subprocess.run(["git", "-c", f"safe.directory={repository}", "-C", repository, "ls-files", "-z"],
                            capture_output=True)
    if listed.returncode:  # an exported tree without .git: the source alone
        return [path for folder in ("src", "tests", "docs", "scripts") for path in (repository / folder).rglob("*")
                if path.is_file() and "node_modules" not in path.parts]
    return [repository / name for name in listed.stdout.decode().split("\0") if name]


def check_files(repository):
    """Yields one sentence per tracked file that holds what belongs to one machine."""
    for path in tracked_files(repository):
        if path.resolve() == pathlib.Path(__file__).resolve() or not path.is_file() or path.stat().st_size > 1 << 20:
            continue
        content = path.read_bytes()
        for pattern, meaning in FOREIGN:
            match = pattern.search(content)
            if match:
                line = content.count(b"\n", 0, match.start()) + 1
                yield f"{path.relative_to(repository)}:{line}: {meaning}"


def main(repository):
    problems = [*check_includes(repository / "src"), *check_files(repository)]
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
