"""Names, defaults and exports of the templates: a stack of the original system is updated in place by them."""

import pytest

import cfn_stack

MAIL = cfn_stack.load("ses_email_sender")
LINK = cfn_stack.load("lambda_link_generator")

# As the original system publishes them.
PUBLISHED_RESOURCES = {
    "ses_email_sender": {
        "CommonAlarmTopic": "AWS::SNS::Topic",
        "ConfigSet": "AWS::SES::ConfigurationSet",
        "LinkTemplate": "AWS::SES::Template",
    },
    "lambda_link_generator": {
        "FileExchangeBucket": "AWS::S3::Bucket",
        "FileExchangeBucketLogs": "AWS::S3::Bucket",
        "FileExchangeBucketLogsBucketPolicy": "AWS::S3::BucketPolicy",
        "FileExchangeBucketPermission": "AWS::Lambda::Permission",
        "LambdaExecutionRole": "AWS::IAM::Role",
        "DeadLetterQueue": "AWS::SQS::Queue",
        "DeadLetterQueueDepthAlarm": "AWS::CloudWatch::Alarm",
        "LinkGenerator": "AWS::Lambda::Function",
    },
}
PUBLISHED_DEFAULTS = {
    "ses_email_sender": {
        "ConfigSetName": "MainSender",
        "LinkDownloadTemplateName": "LinkDownloadTemplate",
        "AdminAlarmEMail": None,
    },
    "lambda_link_generator": {
        "FileExchangeBucketName": None,
        "ExchangableObjectsTTL": 1,
        "EmailSender": None,
        "EmailRecipient": None,
        "DeadLetterQueueAlarmTreshold": 5,
        "LinkExpirationPeriod": 18000,
    },
}
TEMPLATES = {"ses_email_sender": MAIL, "lambda_link_generator": LINK}


@pytest.mark.parametrize("name", TEMPLATES)
def test_published_resources_keep_their_names_and_types(name):
    resources = TEMPLATES[name]["Resources"]
    assert {key: resources[key]["Type"] for key in PUBLISHED_RESOURCES[name]} == PUBLISHED_RESOURCES[name]


@pytest.mark.parametrize("name", TEMPLATES)
def test_published_parameters_keep_their_names_and_defaults(name):
    parameters = TEMPLATES[name]["Parameters"]
    assert {key: parameters[key].get("Default") for key in PUBLISHED_DEFAULTS[name]} == PUBLISHED_DEFAULTS[name]


def test_new_parameters_have_defaults_but_for_the_code():
    without = {name for name, declared in LINK["Parameters"].items() if "Default" not in declared}
    assert without == {"FileExchangeBucketName", "EmailSender", "EmailRecipient", "CodeBucket", "CodeKey"}
    assert {name for name, declared in MAIL["Parameters"].items() if "Default" not in declared} == {"AdminAlarmEMail"}
    assert LINK["Parameters"]["Architecture"]["Default"] == "arm64"
    assert LINK["Parameters"]["Architecture"]["AllowedValues"] == ["arm64", "x86_64"]


def test_the_first_stack_exports_what_the_second_imports():
    exports = cfn_stack.mail_stack(ConfigSetName="Set", LinkDownloadTemplateName="Mail").outputs()
    assert exports == {
        "CommonAlarmTopic": "CommonAlarmTopic", "ConfigSetName": "Set", "LinkDownloadTemplateName": "Mail"}

    imported = set()

    def collect(node):
        if isinstance(node, dict):
            if "Fn::ImportValue" in node:
                imported.add(node["Fn::ImportValue"])
            for part in node.values():
                collect(part)
        elif isinstance(node, list):
            for part in node:
                collect(part)

    collect(LINK)
    assert imported == set(exports)


def test_names_that_an_update_must_not_replace():
    resources = cfn_stack.link_stack().resources()
    properties = {name: resource.get("Properties", {}) for name, resource in resources.items()}
    assert properties["LinkGenerator"]["FunctionName"] == "LinkGenerator"
    assert properties["DeadLetterQueue"]["QueueName"] == "LinkGeneratorDeadLetterQueue"
    assert properties["DeadLetterQueueDepthAlarm"]["AlarmName"] == "DeadLetterQueueDepthAlarm"
    assert properties["FileExchangeBucket"]["BucketName"] == "example-file-exchange"
    assert properties["FileExchangeBucketLogs"]["BucketName"] == "example-file-exchange-access-logs"
    topic = cfn_stack.mail_stack().resources()["CommonAlarmTopic"]["Properties"]
    assert topic["TopicName"] == "CommonAlarmNotification"
    # Lambda made this log group for the original function: a stack that made it again would fail.
    assert properties["LinkGeneratorLogs"]["LogGroupName"] != "/aws/lambda/LinkGenerator"


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_parameter_is_described_and_bounded(name):
    for parameter, declared in TEMPLATES[name]["Parameters"].items():
        assert len(declared["Description"]) > 20, parameter
        assert len(declared["Description"]) <= 4000, parameter
        bounded = "AllowedValues" in declared or "AllowedPattern" in declared or {"MinValue", "MaxValue"} <= set(declared)
        assert bounded, parameter


def test_what_a_person_must_do_is_said():
    for parameter in ("EmailSender", "EmailRecipient"):
        assert "erify" in LINK["Parameters"][parameter]["Description"]
        assert "SES" in LINK["Parameters"][parameter]["Description"]
    assert "confirmation" in MAIL["Parameters"]["AdminAlarmEMail"]["Description"]


GOOD = {
    "FileExchangeBucketName": ["abc", "a" * 51],
    "EmailSender": ["files@example.org", "o'brien+x@sub.example.org"],
    "EmailRecipient": ["ann@example.org", "ann@example.org,bob@example.org", "ann@example.org, bob@example.org"],
    "EmailSenderName": ["", "Files of O'Brien"],
    "CodeKey": ["a.zip", "dir/link-generator-arm64-0123.zip"],
    "ExchangableObjectsTTL": ["1", "3650"],
    "LinkExpirationPeriod": ["1", "18000"],
}
BAD = {
    "FileExchangeBucketName": ["", "ab", "A-bucket", "with.dot", "-abc", "abc-", "a" * 52],
    "EmailSender": ["", "files", "Files <files@example.org>", "a@b,c@d", "a b@example.org", "x@exa mple.org"],
    "EmailRecipient": ["", "ann", "ann@example.org,", "ann@example.org;bob@example.org", "Ann <ann@example.org>"],
    "EmailSenderName": ["<x>", 'a"b', "a\nb", "a" * 65, "a,b", "a@b"],
    "CodeKey": ["code", "a b.zip"],
    "ExchangableObjectsTTL": ["0", "-1", "3651", "one"],
    "LinkExpirationPeriod": ["0", "604801", "5h"],
    "DeadLetterQueueAlarmTreshold": ["-1"],
    "Architecture": ["x86", "ARM64"],
    "LinkSigner": ["role", "User"],
    "Ledger": ["true"],
    "Sweep": ["Daily"],
    "MemorySize": ["64"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_good_values_are_taken(name, value):
    cfn_stack.link_stack(**{name: value})


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_bad_values_are_refused(name, value):
    with pytest.raises(cfn_stack.Refused, match=name):
        cfn_stack.link_stack(**{name: value})
