"""From the start of the process to its first answer; what it says when it cannot start."""

import datetime
import re
import socket

import cfn_stack
import pytest
from function_harness import ARCHITECTURES, ROLE, SIGNER, TestAuthority
from link_checks import check_link, instant_of
from s3_events import event_of, notification, record

DELIVERED = {"delivered": 1, "dropped": 0, "duplicates": 0, "swept": 0}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_first_event_becomes_a_mail(make_function, architecture):
    function = make_function(architecture=architecture, tls=True)
    aws = function.aws
    assert function.succeed(event_of(aws, "reports/annual report.pdf")) == DELIVERED
    mail, = aws.mails
    check_link(aws, mail, "reports/annual report.pdf", ROLE)
    assert mail.recipient == "ann@example.org"
    assert mail.document["ConfigurationSetName"] == aws.stack.exports["ConfigSetName"]
    assert mail.headers["Auto-Submitted"] == "auto-generated"
    assert mail.tags["bucket"] == aws.bucket
    assert mail.tags["request-id"] == function.runtime.invocations[0].request_id
    assert re.fullmatch("[0-9a-f]{64}", mail.tags["s3link-id"]) and mail.headers["X-s3link-Id"] == mail.tags["s3link-id"]


def test_it_starts_without_an_event(function):
    function.wait_polling()
    assert [peer.requests for peer in function.aws.peers.values()] == [[], []]


def test_the_data_has_all_that_the_stored_template_names(function):
    aws = function.aws
    function.succeed(event_of(aws, "a/<b>&\"c\".txt"))
    template = cfn_stack.mail_stack().resources()["LinkTemplate"]["Properties"]["Template"]
    mail, = aws.mails
    for part in ("SubjectPart", "TextPart", "HtmlPart"):
        names = set(re.findall(r"\{\{([^}]*)\}\}", template[part]))
        assert names and names <= set(mail.data), part
    assert mail.data["FILE_NAME_TEXT"] == '<b>&"c".txt'
    assert not set('<>"') & set(mail.data["FILE_NAME"])


def test_the_sender_has_a_name(make_function):
    function = make_function(parameters={"EmailSenderName": "Example's files"})
    function.succeed(event_of(function.aws, "a.txt"))
    mail, = function.aws.mails
    assert mail.document["FromEmailAddress"] == "Example's files <files@example.org>"
    assert mail.data["SENDER_NAME_TEXT"] == "Example's files"


def test_every_recipient_gets_a_mail_of_its_own(make_function):
    function = make_function(parameters={"EmailRecipient": "ann@example.org, bob@example.org,cy@example.org"})
    assert function.succeed(event_of(function.aws, "a.txt"))["delivered"] == 3
    mails = function.aws.mails
    assert [mail.recipient for mail in mails] == ["ann@example.org", "bob@example.org", "cy@example.org"]
    assert len({mail.headers["X-s3link-Id"] for mail in mails}) == 3


@pytest.mark.parametrize("days", [1, 3])
def test_a_mail_says_when_the_file_is_removed(make_function, days):
    function = make_function(parameters={"ExchangableObjectsTTL": days})
    uploaded = datetime.datetime.now(datetime.timezone.utc)
    function.succeed(notification(record(function.aws.bucket, "a.txt", when=uploaded)))
    removed = instant_of(function.aws.mails[0].data["REMOVED_AT"])
    assert removed.time() == datetime.time(0) and 0 <= (removed - uploaded).total_seconds() - days * 86400 <= 86400


def test_a_link_ends_when_the_file_is_removed(make_function):
    function = make_function(parameters={"LinkSigner": "IamUser", "LinkExpirationPeriod": 86400})
    day = datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.timezone.utc)
    uploaded = now - day + datetime.timedelta(seconds=60)  # removed at the midnight that follows
    function.succeed(notification(record(function.aws.bucket, "a.txt", when=uploaded)))
    mail, = function.aws.mails
    link = check_link(function.aws, mail, "a.txt", SIGNER)
    removed = instant_of(mail.data["REMOVED_AT"])
    assert removed - (uploaded + day) < day and link.deadline == min(removed, link.signed_at + day)


def test_an_object_that_is_gone_is_not_mailed(function):
    uploaded = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=3)
    answer = function.succeed(notification(record(function.aws.bucket, "a.txt", when=uploaded)))
    assert answer == {"delivered": 0, "dropped": 1, "duplicates": 0, "swept": 0} and not function.aws.mails
    assert function.logged("record dropped")[0]["rule"] == "object_gone"


# -- init errors --------------------------------------------------------------------------------------------------------


def init_error(function):
    """The document of the init error, after which the process has ended."""
    assert function.wait_exit() not in (0, None)
    request = function.runtime.init_error
    assert request is not None, function.log()
    document = request.json()
    assert document["errorType"] == request.header("lambda-runtime-function-error-type")
    assert function.runtime.next_count == 0
    return document["errorMessage"]


# What is missing or malformed → the variable that must be named.
WRONG = {
    "EmailRecipient": "ann@example.org, nobody",
    "EmailSender": "Files <files@>",
    "EmailConfigurationSetName": "two words",
    "EmailTemplateLinkName": None,
    "LinkExpirationPeriod": "5h",
    "ExchangableObjectsTTL": "0",
    "FileExchangeBucketName": "No_Bucket",
    "LinkSigner": "Somebody",
    "LedgerTableName": "a table",
    "AWS_REGION": "eu central",
    "AWS_XRAY_DAEMON_ADDRESS": "nowhere",
}


def test_an_init_error_lists_every_problem(make_function):
    function = make_function(environment=WRONG)
    message = init_error(function)
    assert [name for name in WRONG if name not in message] == []
    log = function.log()
    assert [name for name in WRONG if name not in log] == []


@pytest.mark.parametrize("name", [*WRONG, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_SESV2",
                                  "AWS_ENDPOINT_URL_DYNAMODB"])
def test_an_init_error_names_the_one_problem(make_function, name):
    value = "ftp://example.org" if name.startswith("AWS_ENDPOINT_URL") else WRONG.get(name)
    message = init_error(make_function(environment={name: value}))
    assert name in message
    assert [other for other in WRONG if other != name and re.search(rf"\b{other}:", message)] == []


@pytest.mark.parametrize("environment, names", [
    ({"LinkExpirationPeriod": "18001"}, ["LinkExpirationPeriod", "18000", "IamUser"]),
    ({"LinkExpirationPeriod": "86401", "LinkSigner": "IamUser", "LinkSignerSecretArn": "arn:aws:secretsmanager:x"},
     ["LinkExpirationPeriod", "ExchangableObjectsTTL"]),
    ({"LinkSigner": "IamUser"}, ["LinkSignerSecretArn", "LinkSigner"]),
], ids=["role above 18000 s", "longer than the file lives", "user without secret"])
def test_values_that_do_not_fit_each_other_are_an_init_error(make_function, environment, names):
    message = init_error(make_function(environment=environment))
    assert [name for name in names if name not in message] == []


@pytest.mark.parametrize("address", [None, "", "nowhere"])
def test_without_a_runtime_api_the_log_says_so(make_function, address):
    function = make_function(environment={"AWS_LAMBDA_RUNTIME_API": address})
    assert function.wait_exit() not in (0, None)
    assert "AWS_LAMBDA_RUNTIME_API" in function.log()


# -- TLS ----------------------------------------------------------------------------------------------------------------


def test_a_certificate_of_another_authority_is_refused(make_aws, make_function, tmp_path):
    stranger = TestAuthority(tmp_path)
    function = make_function(make_aws(tls=stranger))
    invocation = function.invoke(event_of(function.aws, "a.txt"), timeout_seconds=3)
    assert invocation.kind == "error" and re.search("certificate", invocation.json()["errorMessage"], re.IGNORECASE)
    assert all(not peer.requests for peer in function.aws.peers.values())


def test_a_service_that_cannot_be_reached_is_named(make_function):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody else can have the port, and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        function = make_function(environment={"AWS_ENDPOINT_URL_SESV2": url})
        message = function.fail(event_of(function.aws, "a.txt"), "s3link.MailFailed", timeout_seconds=3)
    assert "a.txt" in message
    assert function.logged("mail failed")[0]["recipient"] == "ann@example.org"
