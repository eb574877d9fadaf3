"""What a Prometheus reads at /_/metrics: a strict parser of the text format of our own, and Debian's promtool.

`./test` unpacks promtool (unpacked.py): installing Debian's package would start a server.
"""

import dataclasses
import re
import subprocess

from unpacked import program

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
_SAMPLE = re.compile(rf"({_NAME})(?:{{({_LABEL}(?:,{_LABEL})*)}})? (?P<value>\S+)")


@dataclasses.dataclass
class Exposition:
    """The samples of one scrape: values by name and labels; type and help by family."""

    text: str
    samples: dict = dataclasses.field(default_factory=dict)
    types: dict = dataclasses.field(default_factory=dict)
    helps: dict = dataclasses.field(default_factory=dict)

    def value(self, name, **labels):
        """The one sample with exactly these labels; None where there is none."""
        return self.samples.get((name, frozenset(labels.items())))

    def labelled(self, name, label):
        """{value of the label: value} of a name whose samples have no other label."""
        return {dict(labels)[label]: value for (found, labels), value in self.samples.items() if found == name}

    def names(self):
        """Every name that a query may ask for, with those of histograms' series."""
        out = set(self.types)
        for name, kind in self.types.items():
            if kind == "histogram":
                out |= {name + "_bucket", name + "_sum", name + "_count"}
        return out


def parse(text):
    """Fails for whatever is not as "Exposition formats" of Prometheus' documentation has it."""
    out = Exposition(text)
    assert text.endswith("\n")
    for line in text.splitlines():
        described = re.fullmatch(rf"# HELP ({_NAME}) (.+)", line)
        typed = re.fullmatch(rf"# TYPE ({_NAME}) (counter|gauge|histogram)", line)
        sample = _SAMPLE.fullmatch(line)
        if described:
            assert described[1] not in out.helps, line
            out.helps[described[1]] = described[2]
        elif typed:
            assert typed[1] in out.helps and typed[1] not in out.types, line
            out.types[typed[1]] = typed[2]
        else:
            assert sample, f"no sample: {line!r}"
            family = next((f for f in (sample[1], re.sub("_(bucket|sum|count)$", "", sample[1])) if f in out.types), None)
            assert family, f"of no family: {line!r}"
            key = (sample[1], frozenset(re.findall(_LABEL, sample[2] or "")))
            assert key not in out.samples, f"twice: {line!r}"
            out.samples[key] = float(sample["value"])
    _check_histograms(out)
    return out


def _check_histograms(exposition):
    """Buckets grow with their bounds, and the infinite one is the count."""
    for (name, labels), value in exposition.samples.items():
        if not name.endswith("_count") or exposition.types.get(name[:-6]) != "histogram":
            continue
        buckets = sorted((float(dict(found)["le"]), count) for (bucket, found), count in exposition.samples.items()
                         if bucket == name[:-6] + "_bucket" and {p for p in found if p[0] != "le"} == set(labels))
        assert buckets and buckets[-1] == (float("inf"), value), (name, labels)
        assert [count for _, count in buckets] == sorted(count for _, count in buckets), (name, labels)


def scrape(server, **options):
    answer = server.get("/_/metrics", **options)
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    return parse(answer.body.decode())


def promtool(*arguments, text=None):
    """Runs Debian's promtool, which must find nothing wrong."""
    command = [program("prometheus", "usr/bin/promtool"), *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"promtool {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr
