"""Sums the results of a test run: count_tests.py RESULTS-FOLDER.

Reads GoogleTest's XML files (one test case each), ctest's own (only for tests that wrote no GoogleTest file, such as
corpus replays) and pytest's; prints the names of what failed and, as the last line, `N passed, N failed[, N skipped]`.
Exit status 1 when anything failed or nothing ran.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None:
        return "skipped"
    if case.get("status") in ("notrun", "disabled") or case.get("result") in ("skipped", "suppressed"):
        return "skipped"
    return "passed"


def main(folder):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    failures = []

    def add(result, name):
        counts[result] += 1
        if result == "failed":
            failures.append(name)

    googletest = {}
    for path in sorted(folder.glob("*.xml")):
        if path.name == "ctest.xml" or path.name.startswith("pytest-"):
            continue
        try:
            googletest[path.stem] = list(ElementTree.parse(path).iter("testcase"))
        except ElementTree.ParseError:
            pass  # the program died while it ran; ctest says so below

    ctest_failed = {}
    if (folder / "ctest.xml").exists():
        for case in ElementTree.parse(folder / "ctest.xml").iter("testcase"):
            name = case.get("name")
            ctest_failed[name] = outcome(case) == "failed"
            if name not in googletest:
                add(outcome(case), name)
    for name, cases in googletest.items():
        before = counts["failed"]
        for case in cases:
            add(outcome(case), f"{case.get('classname')}.{case.get('name')}")
        if ctest_failed.get(name) and counts["failed"] == before:
            add("failed", f"{name} (no test case failed, but the program did)")

    for path in sorted(folder.glob("pytest-*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            add(outcome(case), f"{case.get('classname')}::{case.get('name')}")

    for name in failures:
        print(f"failed: {name}")
    if not counts["passed"] and not counts["failed"]:
        print("no test ran")
    print(f"{counts['passed']} passed, {counts['failed']} failed"
          + (f", {counts['skipped']} skipped" if counts["skipped"] else ""), flush=True)
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
