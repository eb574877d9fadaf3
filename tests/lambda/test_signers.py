"""Who signs the links: the function's role, or an IAM user whose key is in Secrets Manager."""

import json
import time

import pytest
from function_harness import ARCHITECTURES, ROLE, SECOND_SIGNER, SIGNER
from link_checks import check_link
from s3_events import event_of

WEEK = {"LinkSigner": "IamUser", "LinkExpirationPeriod": 604800, "ExchangableObjectsTTL": 30}
MIN_AGE = 30  # seconds before which a key is not read again (adapters/aws/secrets_manager.hpp)


@pytest.fixture
def by_user(make_function):
    return make_function(parameters=WEEK)


@pytest.mark.parametrize("seconds", [1, 600, 18000])
def test_the_role_signs_for_as_long_as_was_asked(make_function, seconds):
    function = make_function(parameters={"LinkExpirationPeriod": seconds})
    function.succeed(event_of(function.aws, "a.txt"))
    link = check_link(function.aws, function.aws.mails[0], "a.txt", ROLE)
    assert link.expires_seconds == seconds and link.pair.session_token


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_user_signs_for_a_week(make_function, architecture):
    function = make_function(parameters=WEEK, architecture=architecture, tls=True)
    function.succeed(event_of(function.aws, "a.txt"))
    link = check_link(function.aws, function.aws.mails[0], "a.txt", SIGNER)
    assert link.expires_seconds == 604800 and "X-Amz-Security-Token" not in function.aws.mails[0].data["LINK"]


def test_the_key_is_read_once(by_user):
    aws = by_user.aws
    by_user.wait_polling()
    assert len(aws.secrets.requests) == 1  # at init, whose time is not the invocation's
    for number in range(10):
        by_user.succeed(event_of(aws, f"{number}.txt"))
    assert len(aws.secrets.requests) == 1
    assert aws.secrets.requests[0].json() == {"SecretId": aws.secret_id}
    assert "secretsmanager:GetSecretValue" in aws.allowed_actions()


def test_a_key_that_was_replaced_is_read_by_the_next_environment(make_function, by_user):
    aws = by_user.aws
    by_user.succeed(event_of(aws, "a.txt"))
    aws.secrets.secrets[aws.secret_id] = aws.secret_text(SECOND_SIGNER)
    make_function(aws).succeed(event_of(aws, "b.txt"))
    assert [check_link(aws, mail, mail.data["KEY"], pair).pair for mail, pair in zip(aws.mails, [SIGNER, SECOND_SIGNER])]


def test_refusals_one_after_the_other_do_not_read_the_key_each_time(by_user):
    aws = by_user.aws
    aws.ses.expired.add(ROLE.access_key_id)
    for number in range(5):
        assert by_user.invoke(event_of(aws, f"{number}.txt")).kind == "error"
    assert len(aws.secrets.requests) == 1


def test_a_key_that_was_replaced_is_read_after_a_refusal(by_user):
    """The time until a key may be read again passes while SES throttles: the function waits, and nothing else does."""
    aws = by_user.aws
    by_user.succeed(event_of(aws, "a.txt"))
    aws.secrets.secrets[aws.secret_id] = aws.secret_text(SECOND_SIGNER)
    aws.ses.fault(*[aws.ses.throttled] * 1000)
    while time.monotonic() < aws.secrets.requests[0].received + MIN_AGE:
        by_user.fail(event_of(aws, "b.txt"), "s3link.MailFailed", timeout_seconds=6)
    aws.ses.forget_faults()
    aws.ses.expired.add(ROLE.access_key_id)
    assert by_user.invoke(event_of(aws, "b.txt")).kind == "error"
    aws.ses.expired.clear()
    by_user.succeed(event_of(aws, "b.txt"))
    assert len(aws.secrets.requests) == 2
    check_link(aws, aws.mails[-1], "b.txt", SECOND_SIGNER)


# -- a key that cannot be had -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["throttled", "internal"])
def test_secrets_manager_that_stumbles_is_asked_again(make_function, fault):
    function = make_function(parameters=WEEK, start=False)
    secrets = function.aws.secrets
    answer = {"throttled": secrets.error(400, "ThrottlingException", "Rate exceeded"),
              "internal": secrets.error(500, "InternalServiceError", "An error occurred on the server side.")}[fault]
    secrets.fault(answer, answer)
    function.start()
    function.succeed(event_of(function.aws, "a.txt"))
    check_link(function.aws, function.aws.mails[0], "a.txt", SIGNER)


@pytest.mark.parametrize("secret", [
    None, "", "no JSON", "[]", "{}", '{"AccessKeyId": "AKIAQ4EXAMPLESIGNER1"}', '{"AccessKeyId": 1, "SecretAccessKey": 2}',
    '{"AccessKeyId": "", "SecretAccessKey": ""}', '{"AccessKeyId": "AKIA/../X", "SecretAccessKey": "aPlantedSecret"}',
])
def test_without_a_key_nothing_is_mailed_and_the_reason_is_named(make_function, secret):
    function = make_function(parameters=WEEK, start=False)
    aws = function.aws
    if secret is None:
        del aws.secrets.secrets[aws.secret_id]
    else:
        aws.secrets.secrets[aws.secret_id] = secret
    function.start()
    event = event_of(aws, "a.txt")
    message = function.fail(event, "s3link.CredentialsError")
    assert "a.txt" in message and "aPlantedSecret" not in function.log() + message
    function.fail(event, "s3link.CredentialsError")
    assert aws.mails == [] and aws.ses.requests == [] and len(aws.secrets.requests) == 1
    aws.secrets.secrets[aws.secret_id] = aws.secret_text(SIGNER)
    make_function(aws).succeed(event)
    check_link(aws, aws.mails[0], "a.txt", SIGNER)


def test_a_key_may_be_written_by_hand(make_function):
    """As a person who replaces it may do: other order, blanks, more members."""
    function = make_function(parameters=WEEK, start=False)
    aws = function.aws
    aws.secrets.secrets[aws.secret_id] = json.dumps(
        {"note": "by hand", "SecretAccessKey": SECOND_SIGNER.secret_access_key,
         "AccessKeyId": SECOND_SIGNER.access_key_id}, indent=2)
    function.start()
    function.succeed(event_of(aws, "a.txt"))
    check_link(aws, aws.mails[0], "a.txt", SECOND_SIGNER)
