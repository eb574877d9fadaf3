"""What the templates make: order, protection, permissions, alarms, and what the function is told."""

import itertools
import re

import pytest

import cfn_stack

VARIANTS = [
    {"LinkSigner": signer, "Ledger": ledger, "Sweep": sweep}
    for signer, (ledger, sweep) in itertools.product(
        ("Role", "IamUser"), (("Enabled", "Hourly"), ("Enabled", "Disabled"), ("Disabled", "Disabled")))
]


def listed(value):
    return value if isinstance(value, list) else [value]


def properties(resource, **parameters):
    return cfn_stack.link_stack(**parameters).resources()[resource]["Properties"]


def statements(stack):
    """(resource, statement) of every policy there is."""
    for name, resource in stack.resources().items():
        documents = [resource["Properties"].get("PolicyDocument"), resource["Properties"].get("AssumeRolePolicyDocument")]
        documents += [policy["PolicyDocument"] for policy in resource["Properties"].get("Policies", [])]
        for document in filter(None, documents):
            assert document["Version"] == "2012-10-17"
            for statement in document["Statement"]:
                yield name, statement


def every_stack():
    return [cfn_stack.mail_stack()] + [cfn_stack.link_stack(**variant) for variant in VARIANTS]


# --- order

def edges(resource):
    """The resources that this definition, as written, waits for."""
    found = set(listed(resource.get("DependsOn", [])))

    def collect(node):
        if isinstance(node, list):
            for part in node:
                collect(part)
        elif isinstance(node, dict):
            for key, value in node.items():
                if key == "Ref":
                    found.add(value)
                elif key == "Fn::GetAtt":
                    found.add(value[0])
                elif key == "Fn::Sub":
                    text, given = (value, {}) if isinstance(value, str) else value
                    found.update(name.split(".")[0] for name in re.findall(r"\$\{([^}!]+)\}", text))
                    collect(given)
                else:
                    collect(value)

    collect(resource.get("Properties", {}))
    return found


@pytest.mark.parametrize("name", ["ses_email_sender", "lambda_link_generator"])
def test_there_is_an_order_to_make_the_resources_in(name):
    resources = cfn_stack.load(name)["Resources"]
    waits = {key: edges(resource) & set(resources) for key, resource in resources.items()}
    made = []
    while len(made) < len(resources):
        ready = [key for key in resources if key not in made and waits[key] <= set(made)]
        assert ready, f"a circle among {sorted(set(resources) - set(made))}"
        made += ready
    if name == "lambda_link_generator":
        for before, after in [
            ("LinkExpirationPeriodCheck", "LinkGenerator"),
            ("LinkGenerator", "FileExchangeBucketPermission"),
            ("FileExchangeBucketPermission", "FileExchangeBucket"),
            ("FileExchangeBucketLogsBucketPolicy", "FileExchangeBucket"),
        ]:
            assert made.index(before) < made.index(after)
            assert before in waits[after], f"{after} only happens to come after {before}"


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_nothing_names_a_resource_that_is_not_made(variant):
    stack = cfn_stack.link_stack(**variant)
    made = stack.resources()
    for name, resource in made.items():
        assert set(listed(resource.get("DependsOn", []))) <= set(made), name


# --- conditions

@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_conditions_make_what_their_parameters_say(variant):
    made = set(cfn_stack.link_stack(**variant).resources())
    user = {"LinkSignerUser", "LinkSignerUserPolicy", "LinkSignerAccessKey", "LinkSignerSecret", "LinkSignerSecretPolicy"}
    assert (user & made) == (user if variant["LinkSigner"] == "IamUser" else set())
    ledger = {"LedgerTable", "LedgerPolicy"}
    assert (ledger & made) == (ledger if variant["Ledger"] == "Enabled" else set())
    sweep = {"SweepSchedule", "SweepPermission"}
    assert (sweep & made) == (sweep if variant["Sweep"] == "Hourly" else set())


def test_the_sweep_needs_the_ledger():
    with pytest.raises(cfn_stack.Refused, match="Ledger"):
        cfn_stack.link_stack(Ledger="Disabled")


# --- how long a link may live

def accepted(seconds, signer, days):
    """Whether a stack with these values comes to be: its rules, and Parameter Store's look at the pattern."""
    try:
        stack = cfn_stack.link_stack(LinkExpirationPeriod=seconds, LinkSigner=signer, ExchangableObjectsTTL=days)
    except cfn_stack.Refused:
        return False
    check = stack.resources()["LinkExpirationPeriodCheck"]["Properties"]
    assert check["Value"] == str(seconds)
    return re.search(check["AllowedPattern"], check["Value"]) is not None


@pytest.mark.parametrize("days", [1, 2, 3, 4, 5, 6, 7, 8, 30])
@pytest.mark.parametrize("signer", ["Role", "IamUser"])
def test_a_link_lives_no_longer_than_its_signer_and_its_file(signer, days):
    longest = min(18000 if signer == "Role" else 604800, days * 86400)
    stack = cfn_stack.link_stack(LinkExpirationPeriod=1, LinkSigner=signer, ExchangableObjectsTTL=days)
    check = stack.resources()["LinkExpirationPeriodCheck"]["Properties"]
    pattern = re.compile(check["AllowedPattern"])
    wrong = [n for n in range(0, 700_000) if (pattern.search(str(n)) is not None) != (1 <= n <= min(longest, 999_999))]
    assert wrong == []
    for text in ("", "018000", "18000.0", "1e4", "-1", " 1", "1 ", "18000\n1"):
        assert pattern.search(text) is None, text
    assert len(check["AllowedPattern"]) <= 1024


@pytest.mark.parametrize(("seconds", "signer", "days", "want"), [
    (18000, "Role", 1, True), (18001, "Role", 1, False), (86400, "Role", 7, False), (604800, "Role", 7, False),
    (86400, "IamUser", 1, True), (86401, "IamUser", 1, False), (604800, "IamUser", 6, False),
    (604800, "IamUser", 7, True),
])
def test_the_stack_is_refused_for_a_link_that_would_die_early(seconds, signer, days, want):
    assert accepted(seconds, signer, days) is want


def test_whole_hours_are_refused_before_anything_is_made():
    for hours in range(1, 169):
        stack = {"LinkExpirationPeriod": hours * 3600, "LinkSigner": "Role", "ExchangableObjectsTTL": 8}
        if hours <= 5:
            cfn_stack.link_stack(**stack)
        else:
            with pytest.raises(cfn_stack.Refused, match="RoleSigns"):
                cfn_stack.link_stack(**stack)


# --- permissions

def test_no_action_is_allowed_by_a_wildcard():
    seen = 0
    for stack in every_stack():
        for name, statement in statements(stack):
            seen += 1
            if statement["Effect"] == "Deny":
                continue
            assert "NotAction" not in statement and "NotResource" not in statement and "NotPrincipal" not in statement
            for action in listed(statement["Action"]):
                assert re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", action), f"{name}: {action}"
            assert statement.get("Principal") not in ("*", {"AWS": "*"}), name
    assert seen > 20


def test_only_xray_is_allowed_on_every_resource():
    for stack in every_stack():
        for name, statement in statements(stack):
            if statement["Effect"] == "Allow" and "*" in listed(statement.get("Resource", [])):
                assert name == "LambdaExecutionRole"
                assert set(listed(statement["Action"])) == {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}


def allowed(stack, name):
    """action → resources of what a role or user may do, by all policies that are attached to it."""
    found = {}
    resources = stack.resources()
    attached = {name} | {key for key, resource in resources.items()
                         if name in resource["Properties"].get("Roles", []) or name == resource["Properties"].get("UserName")}
    for holder, statement in statements(stack):
        if holder in attached and "Resource" in statement:
            for action in listed(statement["Action"]):
                found.setdefault(action, set()).update(listed(statement["Resource"]))
    return found


def test_the_function_may_do_its_work_and_no_more():
    account = "eu-central-1:111122223333"
    mail = {f"arn:aws:ses:{account}:identity/*", f"arn:aws:ses:{account}:template/LinkDownloadTemplate",
            f"arn:aws:ses:{account}:configuration-set/MainSender"}
    ledger = {"LedgerTable.Arn"}
    assert allowed(cfn_stack.link_stack(LinkSigner="IamUser"), "LambdaExecutionRole") == {
        "logs:CreateLogStream": {"LinkGeneratorLogs.Arn"},
        "logs:PutLogEvents": {"LinkGeneratorLogs.Arn"},
        "s3:GetObject": {"arn:aws:s3:::example-file-exchange/*"},
        "s3:ListBucket": {"arn:aws:s3:::example-file-exchange"},
        "ses:SendEmail": mail,
        "ses:SendTemplatedEmail": mail,
        "sqs:SendMessage": {"DeadLetterQueue.Arn"},
        "xray:PutTelemetryRecords": {"*"},
        "xray:PutTraceSegments": {"*"},
        "dynamodb:GetItem": ledger,
        "dynamodb:PutItem": ledger,
        "dynamodb:UpdateItem": ledger,
        "secretsmanager:GetSecretValue": {"LinkSignerSecret"},
    }


def test_the_function_sends_as_its_sender_only():
    for _, statement in statements(cfn_stack.link_stack(EmailSenderName="Files", EmailSender="x@example.org")):
        if any(resource.endswith(":identity/*") for resource in listed(statement.get("Resource", []))):
            assert statement["Condition"] == {"StringEqualsIgnoreCase": {"ses:FromAddress": "x@example.org"}}
            return
    pytest.fail("no statement for SES identities")


def test_the_signing_user_can_only_read_the_bucket():
    stack = cfn_stack.link_stack(LinkSigner="IamUser", LinkExpirationPeriod=86400)
    assert allowed(stack, "LinkSignerUser") == {"s3:GetObject": {"arn:aws:s3:::example-file-exchange/*"}}
    resources = stack.resources()
    assert set(resources["LinkSignerUser"]["Properties"]) == {"Path"}, "no group, no password, no further policy"
    assert resources["LinkSignerSecret"]["Properties"]["SecretString"] == (
        '{"AccessKeyId":"LinkSignerAccessKey","SecretAccessKey":"LinkSignerAccessKey.SecretAccessKey"}')


def test_the_secret_key_is_shown_nowhere_else():
    for template in ("ses_email_sender", "lambda_link_generator"):
        text = (cfn_stack.DEPLOY / f"{template}.yaml").read_text()
        assert text.count("LinkSignerAccessKey.SecretAccessKey") == (template == "lambda_link_generator")


def tls_only(stack, holder):
    return [statement for name, statement in statements(stack)
            if name == holder and statement["Effect"] == "Deny" and statement["Principal"] == "*"
            and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}]


def test_buckets_queue_and_topic_refuse_plain_http():
    stack = cfn_stack.link_stack()
    for holder in ("FileExchangeBucketPolicy", "FileExchangeBucketLogsBucketPolicy", "DeadLetterQueuePolicy"):
        assert len(tls_only(stack, holder)) == 1, holder
    assert len(tls_only(cfn_stack.mail_stack(), "CommonAlarmTopicPolicy")) == 1


def test_services_act_for_this_account_only():
    for stack in (cfn_stack.mail_stack(), cfn_stack.link_stack()):
        for name, statement in statements(stack):
            service = statement.get("Principal", {}).get("Service") if statement["Effect"] == "Allow" else None
            if service and name != "LambdaExecutionRole":
                assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}, name
    permission = properties("FileExchangeBucketPermission")
    assert permission["SourceAccount"] == "111122223333"
    assert permission["SourceArn"] == "arn:aws:s3:::example-file-exchange"
    assert properties("SweepPermission")["SourceArn"] == "SweepSchedule.Arn"


# --- buckets

@pytest.mark.parametrize("bucket", ["FileExchangeBucket", "FileExchangeBucketLogs"])
def test_buckets_are_private_owned_and_encrypted(bucket):
    got = properties(bucket)
    assert set(got["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(got["PublicAccessBlockConfiguration"]) == 4
    assert got["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "AccessControl" not in got
    rule, = got["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    rules = {rule["Id"]: rule for rule in got["LifecycleConfiguration"]["Rules"]}
    assert rules["AbortedUploadsRule"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert all(rule["Status"] == "Enabled" for rule in rules.values())


def test_files_and_logs_expire():
    def days(bucket, **parameters):
        return [rule["ExpirationInDays"] for rule in properties(bucket, **parameters)["LifecycleConfiguration"]["Rules"]
                if "ExpirationInDays" in rule]

    assert days("FileExchangeBucket") == ["1"]
    assert days("FileExchangeBucket", ExchangableObjectsTTL=30) == ["30"]
    assert days("FileExchangeBucketLogs", AccessLogsRetentionDays=7) == ["7"]


def test_access_logs_are_delivered_by_the_logging_service():
    assert properties("FileExchangeBucket")["LoggingConfiguration"] == {
        "DestinationBucketName": "FileExchangeBucketLogs", "LogFilePrefix": "_access_logs"}
    allow, = [statement for name, statement in statements(cfn_stack.link_stack())
              if name == "FileExchangeBucketLogsBucketPolicy" and statement["Effect"] == "Allow"]
    assert allow["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert allow["Action"] == "s3:PutObject"
    assert allow["Resource"] == "${FileExchangeBucketLogs.Arn}/_access_logs*".replace("${", "").replace("}", "")
    assert allow["Condition"]["ArnLike"] == {"aws:SourceArn": "arn:aws:s3:::example-file-exchange"}


def test_every_upload_calls_the_function():
    configuration, = properties("FileExchangeBucket")["NotificationConfiguration"]["LambdaConfigurations"]
    assert configuration == {"Event": "s3:ObjectCreated:*", "Function": "LinkGenerator.Arn"}


# --- the function

ALWAYS = {"EmailRecipient", "EmailSender", "LinkExpirationPeriod", "EmailConfigurationSetName", "EmailTemplateLinkName",
          "ExchangableObjectsTTL", "LinkSigner", "FileExchangeBucketName"}


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_function_is_told_exactly_what_it_needs(variant):
    environment = cfn_stack.link_stack(**variant).environment()
    want = set(ALWAYS)
    if variant["LinkSigner"] == "IamUser":
        want |= {"LinkSignerSecretArn", "LinkSignerKeyId"}
    if variant["Ledger"] == "Enabled":
        want.add("LedgerTableName")
    assert set(environment) == want
    assert all(isinstance(value, str) and value for value in environment.values())


def test_values_reach_the_function():
    environment = cfn_stack.link_stack(
        EmailRecipient="ann@example.org,bob@example.org", EmailSenderName="Files of Example", LinkSigner="IamUser",
        LinkExpirationPeriod=172800, ExchangableObjectsTTL=2).environment()
    assert environment == {
        "EmailRecipient": "ann@example.org,bob@example.org",
        "EmailSender": "Files of Example <files@example.org>",
        "LinkExpirationPeriod": "172800",
        "EmailConfigurationSetName": "MainSender",
        "EmailTemplateLinkName": "LinkDownloadTemplate",
        "ExchangableObjectsTTL": "2",
        "FileExchangeBucketName": "example-file-exchange",
        "LinkSigner": "IamUser",
        "LinkSignerSecretArn": "LinkSignerSecret",
        "LinkSignerKeyId": "LinkSignerAccessKey",
        "LedgerTableName": "LedgerTable",
    }
    assert cfn_stack.link_stack().environment()["EmailSender"] == "files@example.org"


def test_the_function_is_the_static_binary():
    got = properties("LinkGenerator", Architecture="x86_64")
    assert (got["Runtime"], got["Handler"]) == ("provided.al2023", "bootstrap")
    assert got["Architectures"] == ["x86_64"]
    assert properties("LinkGenerator")["Architectures"] == ["arm64"]
    assert got["Code"] == {"S3Bucket": "example-code", "S3Key": "link-generator.zip"}
    assert got["TracingConfig"] == {"Mode": "Active"}
    assert got["DeadLetterConfig"] == {"TargetArn": "DeadLetterQueue.Arn"}
    assert got["LoggingConfig"]["LogGroup"] == "LinkGeneratorLogs"
    assert "ReservedConcurrentExecutions" not in got
    assert properties("LinkGenerator", ReservedConcurrency=0)["ReservedConcurrentExecutions"] == "0"
    retries = properties("LinkGeneratorRetries")
    assert (retries["MaximumRetryAttempts"], retries["MaximumEventAgeInSeconds"]) == (2, 21600)
    assert properties("LinkGeneratorLogs", LogRetentionDays=7)["RetentionInDays"] == "7"


def test_the_ledger_table():
    got = properties("LedgerTable")
    assert got["BillingMode"] == "PAY_PER_REQUEST"
    assert [(key["AttributeName"], key["KeyType"]) for key in got["KeySchema"]] == [("object", "HASH"), ("delivery", "RANGE")]
    assert {key["AttributeName"]: key["AttributeType"] for key in got["AttributeDefinitions"]} == {
        "object": "S", "delivery": "S"}
    assert got["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}


def test_the_sweep_calls_the_function_every_hour():
    got = properties("SweepSchedule")
    assert got["ScheduleExpression"] == "rate(1 hour)"
    assert [target["Arn"] for target in got["Targets"]] == ["LinkGenerator.Arn"]
    assert "Input" not in got["Targets"][0], "the function knows the ordinary Scheduled Event"


# --- dead letters

def test_dead_letters_are_kept_encrypted_for_14_days():
    got = properties("DeadLetterQueue")
    assert got["MessageRetentionPeriod"] == 14 * 86400
    assert got["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize(("alarm", "metric", "threshold"), [
    ("DeadLetterQueueDepthAlarm", "ApproximateNumberOfMessagesVisible", "5"),
    ("DeadLetterQueueAgeAlarm", "ApproximateAgeOfOldestMessage", "86400"),
])
def test_alarms_on_the_queue(alarm, metric, threshold):
    got = properties(alarm)
    assert (got["Namespace"], got["MetricName"], got["Statistic"]) == ("AWS/SQS", metric, "Maximum")
    assert got["ComparisonOperator"] == "GreaterThanThreshold"
    assert got["TreatMissingData"] == "notBreaching"
    assert got["Threshold"] == threshold
    assert got["Dimensions"] == [{"Name": "QueueName", "Value": "DeadLetterQueue.QueueName"}]
    assert got["AlarmActions"] == got["OKActions"] == ["CommonAlarmTopic"]
    assert "InsufficientDataActions" not in got


def test_a_dead_letter_that_is_lost_raises_an_alarm():
    got = properties("DeadLetterErrorsAlarm")
    assert (got["Namespace"], got["MetricName"], got["Threshold"]) == ("AWS/Lambda", "DeadLetterErrors", 0)
    assert got["AlarmActions"] == ["CommonAlarmTopic"]


def test_alarms_reach_a_person():
    topic = cfn_stack.mail_stack(AdminAlarmEMail="ops@example.org").resources()["CommonAlarmTopic"]["Properties"]
    assert topic["Subscription"] == [{"Endpoint": "ops@example.org", "Protocol": "email"}]
    assert "KmsMasterKeyId" not in topic, "CloudWatch cannot publish to a topic encrypted with the AWS managed key"


def test_mails_that_ses_cannot_deliver_or_render_reach_a_person():
    resources = cfn_stack.mail_stack().resources()
    destination = resources["ConfigSetFailures"]["Properties"]["EventDestination"]
    assert set(destination["MatchingEventTypes"]) == {"bounce", "complaint", "reject", "renderingFailure"}
    assert destination["SnsDestination"] == {"TopicARN": "CommonAlarmTopic"}
    assert "TrackingOptions" not in resources["ConfigSet"]["Properties"], "a tracked link would be a rewritten link"
