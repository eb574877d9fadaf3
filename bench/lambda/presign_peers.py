#!/usr/bin/python3
"""How many presigned URLs a second of CPU time makes: ours, boto3's, @aws-sdk/s3-request-presigner's.

    ninja -C build/release presign_bench && bench/lambda/presign_peers.py

The same user's key, bucket, keys and Content-Disposition for all three, on one core, the client made once and warm.
"""

import argparse
import json
import pathlib
import platform
import subprocess
import sys
import time
import urllib.parse

import boto3
import machine
import node_packages
from botocore.config import Config

FOLDER = pathlib.Path(__file__).resolve().parent
BENCH = FOLDER.parents[1] / "build" / "release" / "presign_bench"
CORE = 0


def task(cpu_seconds):
    """What all of them do; the keys are those of bench/micro/presign_bench.cpp."""
    names = [(f"users/{i % 64:02}/", f"quarterly-report-{i:06}.pdf") for i in range(1024)]
    return {
        "region": "eu-central-1", "bucket": "file-exchange", "expires_seconds": 18000, "cpu_seconds": cpu_seconds,
        "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "keys": [{"key": folder + name, "disposition": f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"}
                 for folder, name in names],
    }


def ours(work):
    """The three kinds of links of presign_bench."""
    run = subprocess.run(["taskset", "-c", str(CORE), BENCH, "--benchmark_format=json",
                          f"--benchmark_min_time={work['cpu_seconds']}"], check=True, capture_output=True)
    titles = {"user_plain_name": "s3link", "user_escaped_name": "s3link, names that need escapes",
              "role_plain_name": "s3link, with a session token of 768 bytes"}
    return [{"name": titles[one["name"].partition("/")[2]], "urls_per_cpu_second": one["items_per_second"]}
            for one in json.loads(run.stdout)["benchmarks"]]


def python_peer(work):
    client = boto3.session.Session().client(
        "s3", region_name=work["region"], aws_access_key_id=work["access_key_id"],
        aws_secret_access_key=work["secret_access_key"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))

    def presign(one):
        return client.generate_presigned_url("get_object", ExpiresIn=work["expires_seconds"], Params={
            "Bucket": work["bucket"], "Key": one["key"], "ResponseContentDisposition": one["disposition"]})

    begin, count = time.process_time(), 0
    while time.process_time() - begin < work["cpu_seconds"]:
        for one in work["keys"]:
            presign(one)
        count += len(work["keys"])
    return {"name": f"boto3 {boto3.__version__}, Python {platform.python_version()}",
            "urls_per_cpu_second": count / (time.process_time() - begin), "url": presign(work["keys"][0])}


def node_peer(work):
    run = subprocess.run(["taskset", "-c", str(CORE), "node", FOLDER / "node" / "presign_peer.mjs"],
                         input=json.dumps(work).encode(), check=True, capture_output=True)
    return json.loads(run.stdout)


def check_same_work(work, peer):
    """That a peer's URL says what ours does."""
    url = urllib.parse.urlsplit(peer["url"])
    query = dict(urllib.parse.parse_qsl(url.query))
    one = work["keys"][0]
    assert url.path == "/" + one["key"] and url.netloc.startswith(work["bucket"] + "."), peer["url"]
    assert query["response-content-disposition"] == one["disposition"], peer["url"]
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256" and len(query["X-Amz-Signature"]) == 64, peer["url"]
    assert query["X-Amz-Expires"] == str(work["expires_seconds"]), peer["url"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cpu-seconds", type=float, default=2, help="for each signer (default 2)")
    work = task(parser.parse_args().cpu_seconds)
    if not BENCH.exists():
        sys.exit(f"{BENCH} is missing: cmake --preset release -DS3LINK_BENCH=ON && ninja -C build/release presign_bench")
    node_packages.need()
    print(machine.description(), flush=True)
    rows = ours(work)
    for peer in (node_peer(work), python_peer(work)):
        check_same_work(work, peer)
        rows.append(peer)
    for row in rows:
        print(f"{row['urls_per_cpu_second']:>10,.0f} URLs/CPU s   {row['name']}")


if __name__ == "__main__":
    main()
