"""What a figure was measured on."""

import os
import platform


def load():
    return os.getloadavg()[0]


def description():
    model = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                 platform.machine())
    flags = next((line.split() for line in open("/proc/cpuinfo") if line.startswith("flags")), [])
    extensions = " with SHA instructions" if "sha_ni" in flags else ""
    return f"{model}{extensions}, {os.cpu_count()} CPUs, Linux {platform.release()}, load {load():.1f}"
