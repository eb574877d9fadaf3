"""The npm packages of bench/lambda/node, exactly those of its package-lock.json."""

import pathlib
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parent / "node"


def need():
    """Installs them when they are not there."""
    if not (FOLDER / "node_modules").exists():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier",
                        "--loglevel=error"], cwd=FOLDER, check=True)
