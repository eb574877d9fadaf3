"""deploy/aws/deploy, run with the real aws-cli against the account's stand-ins."""

import hashlib
import json
import re
import shlex
import shutil

import cfn_stack
import pytest
from aws_account import ACCOUNT, REGION, REPOSITORY, TOPIC, Refusal, Stack

NEEDED = ("--sender", "files@example.org", "--recipient", "ann@example.org,bob@example.net", "--bucket",
          "example-file-exchange", "--admin-email", "admin@example.org")
CODE_BUCKET = f"s3link-code-{ACCOUNT}-{REGION}"
CHANGES = {"CreateBucket", "PutObject", "PutBucketAcl", "CreateChangeSet", "ExecuteChangeSet"}


@pytest.fixture
def code(tmp_path):
    file = tmp_path / "function.zip"
    file.write_bytes(b"PK\x05\x06" + bytes(18))
    return file


@pytest.fixture
def deploy(account, script, code):
    """Runs deploy with a zip file, in an account whose SES has nothing to complain of."""
    account.identities = {"example.org": True, "example.net": True}
    return lambda *arguments: script("deploy", "--zip", code, *arguments)


@pytest.fixture
def deployed(account):
    """The stacks are there, as an earlier deployment left them."""
    mail = cfn_stack.mail_stack(ConfigSetName="Mine")
    account.stacks["s3link-mail"] = Stack(
        mail.parameters, {"CommonAlarmTopic": TOPIC, "ConfigSetName": "Mine",
                          "LinkDownloadTemplateName": "LinkDownloadTemplate"})
    link = cfn_stack.link_stack(LogRetentionDays=90, Architecture="x86_64", ExchangableObjectsTTL=2)
    account.stacks["s3link"] = Stack(link.parameters, {"DeadLetterQueue": account.queue_url})
    account.buckets |= {CODE_BUCKET: {}, "example-file-exchange": {}, "example-file-exchange-access-logs": {}}
    return account.stacks


def code_key(architecture, code):
    return f"link-generator-{architecture}-{hashlib.sha256(code.read_bytes()).hexdigest()}.zip"


# --- what it does

def test_the_first_deployment(account, deploy, code):
    account.production = False
    account.identities = {"example.org": True, "bob@example.net": False}
    account.unconfirmed = ["admin@example.org"]
    done = deploy(*NEEDED, "--expiration", "1d", "--ttl", "3", "--signer", "IamUser", "--architecture", "x86_64",
                  "LogRetentionDays=90", "ConfigSetName=Mine", "EmailSenderName=Files of Example")
    assert done.returncode == 0, done.stderr

    assert account.buckets[CODE_BUCKET][code_key("x86_64", code)][1] == code.read_bytes()
    order = [(operation, asked if operation != "ExecuteChangeSet" else asked["StackName"])
             for _, operation, asked in account.calls if operation in CHANGES - {"CreateChangeSet"}]
    assert order == [("CreateBucket", CODE_BUCKET), ("PutObject", (CODE_BUCKET, code_key("x86_64", code))),
                     ("ExecuteChangeSet", "s3link-mail"), ("ExecuteChangeSet", "s3link")]
    assert account.stacks["s3link-mail"].parameters == cfn_stack.mail_stack(ConfigSetName="Mine").parameters
    assert account.stacks["s3link"].parameters == cfn_stack.link_stack(
        EmailRecipient="ann@example.org,bob@example.net", LinkExpirationPeriod=86400, ExchangableObjectsTTL=3,
        LinkSigner="IamUser", Architecture="x86_64", LogRetentionDays=90, EmailSenderName="Files of Example",
        CodeBucket=CODE_BUCKET, CodeKey=code_key("x86_64", code)).parameters
    assert account.regions == {REGION}

    assert "sandbox" in done.stdout
    assert "The recipient bob@example.net is not verified in SES yet" in done.stdout
    assert "ann@example.org is not" not in done.stdout, "its domain is verified"
    assert "admin@example.org gets no alarm yet" in done.stdout and "confirmed@" not in done.stdout
    assert "s3 cp FILE s3://example-file-exchange/" in done.stdout


def test_alone_it_brings_new_code_and_nothing_else(account, deploy, deployed, code):
    before = {name: dict(stack.parameters) for name, stack in deployed.items()}
    done = deploy()
    assert done.returncode == 0, done.stderr
    changed = {"CodeBucket": CODE_BUCKET, "CodeKey": code_key("x86_64", code)}
    assert deployed["s3link"].parameters == before["s3link"] | changed
    assert deployed["s3link-mail"].parameters == before["s3link-mail"]
    assert [asked["StackName"] for asked in account.asked("ExecuteChangeSet")] == ["s3link"]
    assert not {"CreateBucket", "PutBucketAcl"} & set(account.operations())
    assert "Left to do" not in done.stdout


def test_the_original_stacks_are_updated_in_place(account, deploy, code):
    """They have other names, fewer parameters, and a log bucket that the log delivery group writes to by an ACL, with
    which S3 refuses what the template says."""
    published = {
        "FileExchangeBucketName": "old-bucket", "ExchangableObjectsTTL": "1", "EmailSender": "files@example.org",
        "EmailRecipient": "ann@example.org", "DeadLetterQueueAlarmTreshold": "5", "LinkExpirationPeriod": "18000"}
    account.stacks = {
        "ses": Stack(dict(cfn_stack.mail_stack().parameters), {"CommonAlarmTopic": TOPIC, "ConfigSetName": "MainSender",
                                                              "LinkDownloadTemplateName": "LinkDownloadTemplate"}),
        "links": Stack(published, {})}
    account.buckets = {"old-bucket": {}, "old-bucket-access-logs": {}, "code": {}}
    account.log_delivery_acl = {"old-bucket-access-logs"}
    done = deploy("--mail-stack", "ses", "--link-stack", "links", "--code-bucket", "code")
    assert done.returncode == 0, done.stderr
    assert account.asked("PutBucketAcl") == [("old-bucket-access-logs", "private")]
    assert account.stacks["links"].parameters == cfn_stack.link_stack(
        FileExchangeBucketName="old-bucket", CodeBucket="code", CodeKey=code_key("arm64", code)).parameters


def test_dry_run_changes_nothing_and_prints_what_would(account, deploy, code):
    done = deploy(*NEEDED, "--dry-run", "EmailSenderName=Files of Example")
    assert done.returncode == 0, done.stderr
    assert not CHANGES & set(account.operations())
    commands = [shlex.split(line) for line in done.stdout.splitlines() if line.startswith("aws ")]
    assert all(command[:3] == ["aws", "--region", REGION] for command in commands)
    made, copied, mail, link = [command[3:] for command in commands]
    assert made == ["s3", "mb", f"s3://{CODE_BUCKET}"]
    assert copied == ["s3", "cp", "--only-show-errors", str(code), f"s3://{CODE_BUCKET}/{code_key('arm64', code)}"]
    assert mail[:2] == link[:2] == ["cloudformation", "deploy"]
    assert mail[mail.index("--template-file") + 1].endswith("/ses_email_sender.yaml")
    assert mail[mail.index("--parameter-overrides") + 1:] == ["AdminAlarmEMail=admin@example.org"]
    assert set(link[link.index("--parameter-overrides") + 1:]) == {
        "FileExchangeBucketName=example-file-exchange", "EmailSender=files@example.org", "Architecture=arm64",
        "EmailRecipient=ann@example.org,bob@example.net", "EmailSenderName=Files of Example",
        f"CodeBucket={CODE_BUCKET}", f"CodeKey={code_key('arm64', code)}"}


def test_why_a_stack_failed_is_told_and_what_to_do_next(account, deploy):
    account.failing_resource = ("LinkTemplate", "Template LinkDownloadTemplate already exists")
    done = deploy(*NEEDED)
    assert done.returncode == 1
    assert "LinkTemplate: Template LinkDownloadTemplate already exists\n" in done.stderr
    assert "cancelled" not in done.stderr and "stack s3link-mail was not deployed" in done.stderr
    assert "s3link" not in account.stacks
    done = deploy(*NEEDED)
    assert done.returncode == 1
    assert f"aws --region {REGION} cloudformation delete-stack --stack-name s3link-mail" in done.stderr


# --- what it looks at first

@pytest.mark.parametrize(("identities", "production", "want"), [
    ({"files@example.org": True}, True, None),
    ({"files@example.org": False, "example.org": True}, True, None),
    ({}, True, "The sender files@example.org is not verified in SES,"),
    ({"files@example.org": False}, True, "The sender files@example.org is not verified in SES yet"),
    ({"example.org": True}, False, "The recipient bob@example.net is not verified in SES,"),
])
def test_ses_is_asked_first(account, deploy, identities, production, want):
    account.identities, account.production = identities, production
    done = deploy(*NEEDED, "--dry-run")
    assert done.returncode == 0
    assert ("Left to do" in done.stdout) == bool(want)
    assert want is None or want in done.stdout


def test_what_may_not_be_asked_is_told_and_does_not_stop_it(account, deploy):
    denied = Refusal(403, "AccessDeniedException", "User is not authorized to ask")
    account.refusals = {"GetEmailIdentity": denied, "GetAccount": denied}
    account.sending = False
    done = deploy(*NEEDED, "--dry-run")
    assert done.returncode == 0
    assert "Whether the sender files@example.org is verified in SES could not be found out" in done.stdout
    assert "Whether the SES sandbox applies could not be found out" in done.stdout
    assert done.stdout.count("not authorized to ask") == 2


@pytest.mark.parametrize(("arguments", "want"), [
    (NEEDED[2:], "--sender"),
    (NEEDED[:2] + NEEDED[4:], "--recipient"),
    (NEEDED[:4] + NEEDED[6:], "--bucket"),
    (NEEDED[:6], "--admin-email"),
    ((*NEEDED, "--expiration", "18001"), "--signer IamUser"),
    ((*NEEDED, "--expiration", "2d", "--signer", "IamUser"), "--ttl"),
    ((*NEEDED, "LinkExpirationPeriod=5h"), "LinkExpirationPeriod=5h: whole seconds"),
])
def test_what_a_new_stack_needs_is_named(account, deploy, arguments, want):
    done = deploy(*arguments)
    assert done.returncode == 2 and want in done.stderr
    assert not CHANGES & set(account.operations())


def test_what_is_given_must_fit_what_is_there(account, deploy, deployed):
    del deployed  # two days
    done = deploy("--expiration", "3d", "--signer", "IamUser", "--dry-run")
    assert done.returncode == 2 and "after 2 days" in done.stderr
    assert deploy("--expiration", "2d", "--signer", "IamUser", "--dry-run").returncode == 0
    assert not CHANGES & set(account.operations())


def test_a_code_bucket_that_is_named_must_be_there(account, deploy):
    done = deploy(*NEEDED, "--code-bucket", "mine", "--dry-run")
    assert done.returncode == 1 and "--code-bucket mine" in done.stderr and "s3 mb s3://mine" in done.stderr
    account.buckets["mine"] = {}
    done = deploy(*NEEDED, "--code-bucket", "mine", "--dry-run")
    assert done.returncode == 0 and "s3 mb" not in done.stdout


def test_a_zip_that_was_not_built(account, script, tmp_path):
    shutil.copytree(cfn_stack.DEPLOY, tmp_path / "deploy" / "aws")
    script.folder = tmp_path / "deploy" / "aws"
    done = script("deploy", *NEEDED, "--architecture", "x86_64")
    assert done.returncode == 1
    assert "dist/link-generator-x86_64.zip is missing" in done.stderr
    assert "deploy/aws/build-lambda x86_64" in done.stderr
    assert not CHANGES & set(account.operations())
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "link-generator-x86_64.zip").write_bytes(b"PK")
    assert script("deploy", *NEEDED, "--architecture", "x86_64", "--dry-run").returncode == 0


# --- credentials and settings

def without_keys(script):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del script.environment[name]


def test_no_credentials(deploy, script):
    without_keys(script)
    done = deploy(*NEEDED)
    assert done.returncode == 1 and "no AWS credentials" in done.stderr and "aws configure" in done.stderr


def test_an_sso_session_that_has_expired(deploy, script, tmp_path):
    without_keys(script)
    start = "https://example.awsapps.example.org/start"
    (tmp_path / "config").write_text(
        f"[profile work]\nsso_start_url = {start}\nsso_region = {REGION}\nsso_account_id = {ACCOUNT}\n"
        f"sso_role_name = Deployer\n")
    cache = tmp_path / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    (cache / f"{hashlib.sha1(start.encode()).hexdigest()}.json").write_text(json.dumps({
        "startUrl": start, "region": REGION, "accessToken": "old", "expiresAt": "2020-01-01T00:00:00Z"}))
    script.environment["AWS_PROFILE"] = "work"
    done = deploy(*NEEDED)
    assert done.returncode == 1 and "aws sso login --profile work" in done.stderr


@pytest.mark.parametrize(("code_name", "want"), [
    ("ExpiredToken", "the AWS session has expired"), ("InvalidClientTokenId", "does not know these credentials"),
    ("AccessDenied", "could not be used"),
])
def test_credentials_that_aws_refuses(account, deploy, code_name, want):
    account.refusals["GetCallerIdentity"] = Refusal(403, code_name, "The security token is refused")
    done = deploy(*NEEDED)
    assert done.returncode == 1 and want in done.stderr
    assert account.operations() == ["GetCallerIdentity"]


def test_the_region_is_an_option_or_a_setting(account, deploy, script):
    del script.environment["AWS_DEFAULT_REGION"]
    done = deploy(*NEEDED, "--dry-run")
    assert done.returncode == 1 and "--region" in done.stderr
    assert account.calls == []
    assert deploy(*NEEDED, "--dry-run", "--region=eu-west-3").returncode == 0
    assert account.regions == {"eu-west-3"}


@pytest.mark.parametrize(("arguments", "want"), [
    (["--colour"], "unknown option --colour"), (["--sender"], "--sender needs a value"),
    (["--bucket="], "--bucket needs"), (["FooBar=1"], "neither template has a parameter FooBar"), (["files"], "unexpected argument files"),
    (["--ttl", "0"], "--ttl 0"), (["--ttl", "1d"], "--ttl 1d"), (["--expiration", "5x"], "--expiration 5x"),
    (["--expiration", "-1"], "--expiration -1"), (["--signer", "role"], "--signer role.*Role IamUser"),
    (["--architecture", "x86"], "--architecture x86.*arm64 x86_64"), (["CodeKey=a.zip"], "CodeKey.*--zip"),
    (["--link-stack", "a/b"], "a/b is no name"), (["--link-stack", "a", "--mail-stack", "a"], "must differ"),
])
def test_wrong_use(account, deploy, arguments, want):
    done = deploy(*arguments)
    assert done.returncode == 2 and re.search(want, done.stderr), done.stderr
    assert "--help" in done.stderr
    assert account.calls == []


def test_every_option_is_in_its_help(deploy):
    done = deploy("--help")
    assert done.returncode == 0
    source = (cfn_stack.DEPLOY / "deploy").read_text(encoding="utf-8")
    taken = set(re.findall(r"^    (--[a-z-]+)\) ", source, re.MULTILINE))
    assert len(taken) == 14
    assert all(re.search(rf"^  {option} ", done.stdout, re.MULTILINE) for option in taken)


def test_templates_are_small_enough_to_be_sent_as_they_are():
    """CloudFormation takes templates above 51,200 bytes only from a bucket."""
    for template in ("ses_email_sender", "lambda_link_generator"):
        assert (cfn_stack.DEPLOY / f"{template}.yaml").stat().st_size <= 51_200


# --- its page

PAGE = REPOSITORY / "docs" / "aws.md"


def test_every_parameter_is_explained():
    explained = set(re.findall(r"^\| `([A-Za-z]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    declared = {name for template in ("ses_email_sender", "lambda_link_generator")
                for name in cfn_stack.load(template)["Parameters"]}
    assert explained == declared


@pytest.mark.parametrize("name", ["deploy", "redrive"])
def test_every_option_that_the_page_names_is_there(script, name):
    page = PAGE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(rf"deploy/aws/{name} ([^`\n]*)", page)
    named = {option for line in lines for option in re.findall(r"--[a-z-]+", line)}
    assert named
    commands = {"deploy": [[]], "redrive": [[], ["redrive"], ["drop"]]}[name]
    texts = [script(name, *command, "--help").stdout for command in commands]
    assert not {option for option in named if not any(option in text for text in texts)}
