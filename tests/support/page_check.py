"""Opens pages in Chromium, wide and narrow, light and dark, and lets axe look at them."""

import json
import pathlib
import subprocess

import pytest
from s3link_harness import clean_environment

CHECK = pathlib.Path(__file__).parents[1] / "integration" / "node" / "page_check.mjs"
needs_chromium = pytest.mark.skipif(not pathlib.Path("/usr/bin/chromium").exists(),
                                    reason="the package chromium is not installed")


# What a mail must not bring along: its page stands in that of a mail program, which has the landmarks.
LANDMARKS = {"landmark-one-main", "region"}


def check_pages(addresses, folder, apart_from=frozenset()):
    """What was seen of each address at each width and colour scheme; that axe finds nothing, nothing sticks out and
    nothing else is fetched. Screenshots are in the folder."""
    done = subprocess.run(["/usr/bin/node", CHECK, folder], input="\n".join(addresses), capture_output=True, text=True,
                          timeout=300, env=clean_environment() | {"HOME": str(folder)}, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) == 4 * len(addresses)
    for result in results:
        assert set(result["violations"]) <= apart_from, result
        assert result["incomplete"] == [], result
        assert result["overflow"] <= 0, result
        assert result["requests"] == ["document"], result
    backgrounds = {result["colorScheme"]: result["background"] for result in results}
    assert backgrounds["light"] != backgrounds["dark"]
    return results
