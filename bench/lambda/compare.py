#!/usr/bin/python3
"""bootstrap beside the same handler in Python and JavaScript: start, memory, CPU for each mail, package.

    deploy/aws/build-lambda x86_64 && bench/lambda/compare.py

See README.md for what the columns mean.
"""

import argparse
import os
import statistics
import sys
import time

import machine
import node_packages
from contenders import Work, all_of

import function_harness  # noqa: I001  the path to it is set by contenders
import s3_events
from aws_signature import read_presigned

COLUMNS = {  # figure → (title, unit, divisor)
    "init_cpu": ("init CPU", "ms", 1e-3),
    "first_answer": ("spawn to first answer", "ms", 1e-3),
    "first_cpu": ("CPU until then", "ms", 1e-3),
    "warm_cpu": ("CPU per warm invocation", "ms", 1e-3),
    "peak_rss": ("peak RSS", "MiB", 2**20),
    "package": ("zip", "MiB", 2**20),
    "package_with_sdk": ("zip with SDK", "MiB", 2**20),
}
WARM_UP = 50
BATCH = 50


def cpu_seconds(pid):
    """User and system time of a whole process, of ended threads too, in nanoseconds' resolution: the clock that
    clock_getcpuclockid(3) names."""
    process_cpu_clock = 2
    return time.clock_gettime(~pid << 3 | process_cpu_clock)


class Account:
    """The stand-ins for one process under measurement, over TLS."""

    def __init__(self, contender, work):
        self.contender, self.work = contender, work
        parameters = {"LinkSigner": "Role"}
        if not contender.ledger:
            parameters |= {"Ledger": "Disabled", "Sweep": "Disabled"}
        self.aws = function_harness.Aws(parameters, tls_context=work.authority.server_context)
        self.function = contender.function(self.aws, work)
        self._count = 0

    def event(self):
        self._count += 1
        return s3_events.event_of(self.aws, f"users/{self._count % 64:02}/quarterly report {self._count:06}.pdf")

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        if failed:
            self.function.give_up()
            self.aws.stop()
            return
        self.function.give_up()
        links = [read_presigned(mail.data["LINK"], self.aws.link_keys, function_harness.REGION)
                 for mail in self.aws.mails]
        assert len(links) == self._count, f"{self._count} events, {len(links)} mails"
        assert not self.function.runtime.complaints, self.function.runtime.complaints
        self.aws.stop()  # which looks at every signature's verdict


def measure_init(contender, work):
    with Account(contender, work) as account:
        function = account.function.start()
        function.wait_polling()
        return {"init_cpu": [cpu_seconds(function.process.pid)]}


def measure_first(contender, work):
    with Account(contender, work) as account:
        function = account.function
        invocation = function.runtime.submit(account.event())
        begin = time.monotonic()
        function.start()
        function.finish(invocation)
        used = cpu_seconds(function.process.pid)
        assert invocation.kind == "response", invocation.body
        return {"first_answer": [invocation.answered - begin], "first_cpu": [used]}


def measure_warm(contender, work, count):
    with Account(contender, work) as account:
        function = account.function.start()
        for _ in range(WARM_UP):
            function.succeed(account.event())
        batches = []
        for _ in range(count // BATCH):
            before = cpu_seconds(function.process.pid)
            for _ in range(BATCH):
                function.succeed(account.event())
            batches.append((cpu_seconds(function.process.pid) - before) / BATCH)
        return {"warm_cpu": batches, "peak_rss": [function.resident_bytes()]}


def measure(contenders, rounds, warm_rounds, invocations):
    """contender → figure → values. Each round goes through all contenders, so that a busy minute hits all of them."""
    values = {contender: {} for contender in contenders}
    with Work() as work:
        for number in range(max(rounds, warm_rounds)):
            for contender in contenders:
                figures = {}
                if number < rounds:
                    figures |= measure_init(contender, work) | measure_first(contender, work)
                if number < warm_rounds:
                    figures |= measure_warm(contender, work, invocations)
                for name, measured in figures.items():
                    values[contender].setdefault(name, []).extend(measured)
            print(f"round {number + 1}", file=sys.stderr, flush=True)
    for contender in contenders:
        package, with_sdk = contender.package()
        values[contender]["package"] = [package]
        if with_sdk:
            values[contender]["package_with_sdk"] = [with_sdk]
    return values


def cell(values, unit_size):
    """Median, and the least and the most of several."""
    if not values:
        return "–"
    digits = 3 if statistics.median(values) / unit_size < 1 else 1
    shown = [f"{value / unit_size:.{digits}f}" for value in (statistics.median(values), min(values), max(values))]
    return shown[0] if len(values) == 1 else f"{shown[0]} ({shown[1]}–{shown[2]})"


def table(values):
    rows = [["", *(f"{title}, {unit}" for title, unit, _ in COLUMNS.values())]]
    for contender, figures in values.items():
        rows.append([contender.name, *(cell(figures.get(name), size) for name, (_, _, size) in COLUMNS.items())])
    columns = list(zip(*rows))  # measured things become columns, which keeps the lines short
    widths = [max(map(len, row)) for row in rows]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in columns)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=11, help="starts of each (default 11)")
    parser.add_argument("--warm-rounds", type=int, default=3, help="warm runs of each (default 3)")
    parser.add_argument("--invocations", type=int, default=500, help="in a warm run, after 50, by fifties (default 500)")
    parser.add_argument("--python", default="/usr/bin/python3", help="the Python that has boto3")
    parser.add_argument("--node", default="node")
    parser.add_argument("--realtime", action="store_true", help="before all other programs (SCHED_RR; needs root)")
    parser.add_argument("--only", default="", help="those with this in their name")
    options = parser.parse_args()
    node_packages.need()
    contenders = [one for one in all_of(options.python, options.node) if options.only in one.name]
    if not contenders:
        parser.error(f"nothing has {options.only!r} in its name")
    if options.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # inherited by all that is measured
    print(machine.description() + (", real-time priority" if options.realtime else ""), flush=True)
    values = measure(contenders, options.rounds, options.warm_rounds, options.invocations)
    print(table(values))
    print(f"median (least–most); load {machine.load():.1f} at the end")


if __name__ == "__main__":
    main()
