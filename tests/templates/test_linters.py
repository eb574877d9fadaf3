"""What others' tools say of the templates: the CDK reads them, cdk-nag's AwsSolutions and cfn-lint find nothing."""

import json
import shutil
import subprocess

import pytest

import cfn_stack

NAMES = ("ses_email_sender", "lambda_link_generator")
FILES = [str(cfn_stack.DEPLOY / f"{name}.yaml") for name in NAMES]
NODE = cfn_stack.DEPLOY.parents[1] / "tests" / "templates" / "node"


@pytest.fixture(scope="module")
def report():
    if not (NODE / "node_modules" / "cdk-nag").is_dir():
        pytest.skip("the packages of tests/templates/node are not installed: ./test templates installs them")
    done = subprocess.run(["node", "check.mjs", *FILES], cwd=NODE, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_the_cdk_reads_every_resource(report, name):
    assert set(report[f"{name}.yaml"]["resources"]) == set(cfn_stack.load(name)["Resources"])


@pytest.mark.parametrize("name", NAMES)
def test_cdk_nag_finds_nothing_unexplained(report, name):
    assert report[f"{name}.yaml"]["findings"] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_suppression_is_needed_and_says_why(report, name):
    declared = {
        (rule["id"], logical_id, rule["reason"].strip())
        for logical_id, resource in cfn_stack.load(name)["Resources"].items()
        for rule in resource.get("Metadata", {}).get("cdk_nag", {}).get("rules_to_suppress", [])
    }
    used = {
        (entry["rule"], entry["resource"], entry["reason"].split("] ", 1)[-1].strip())
        for entry in report[f"{name}.yaml"]["suppressed"]
    }
    assert used == declared
    assert all(len(reason) > 30 for _, _, reason in declared)


def test_cdk_nag_would_find_something(report, tmp_path):
    """A bucket without anything is found: the check is alive."""
    del report
    template = tmp_path / "open.yaml"
    template.write_text("Resources:\n  Open:\n    Type: AWS::S3::Bucket\n")
    done = subprocess.run(
        ["node", "check.mjs", str(template)], cwd=NODE, capture_output=True, text=True, timeout=240, check=True)
    assert {finding["rule"] for finding in json.loads(done.stdout)["open.yaml"]["findings"]} >= {
        "AwsSolutions-S1", "AwsSolutions-S10"}


def test_cfn_lint_finds_nothing():
    if not shutil.which("cfn-lint"):
        pytest.skip("cfn-lint is not installed (Debian has no package of it)")
    done = subprocess.run(["cfn-lint", *FILES], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
