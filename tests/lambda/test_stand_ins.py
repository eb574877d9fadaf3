"""The stand-ins against boto3's clients, and against what they must refuse: a test is worth what its stand-ins are."""

import datetime
import json
import time
import urllib.request

import aws_peers
import boto3
import botocore.exceptions
import dynamodb_expressions as expressions
import http_peer
import pytest
import runtime_api
import xray_listener
from aws_signature import KeyPair, read_presigned
from botocore.config import Config
from dynamodb_peer import DynamoDbPeer
from function_harness import REGION, ROLE, SIGNER

DATA = {"LINK": "https://example.org/", "FILE_NAME": "a.txt"}


def client(peer, service, pair=ROLE, **options):
    return boto3.session.Session().client(
        service, region_name=peer.region, endpoint_url=peer.url, aws_access_key_id=pair.access_key_id,
        aws_secret_access_key=pair.secret_access_key, aws_session_token=pair.session_token,
        config=Config(retries={"total_max_attempts": 1}, proxies={}, **options))


def ses_peer(**options):
    return aws_peers.SesPeer([ROLE], "LinkTemplate", "LinkMails", "files@example.org", region=REGION, **options)


def send(ses, template="LinkTemplate", **more):
    return ses.send_email(
        FromEmailAddress="files@example.org", Destination={"ToAddresses": ["ann@example.org"]},
        Content={"Template": {"TemplateName": template, "TemplateData": json.dumps(DATA)}},
        ConfigurationSetName="LinkMails", EmailTags=[{"Name": "bucket", "Value": "example"}], **more)


def test_ses_takes_what_boto3_signs():
    with ses_peer() as peer:
        answer = send(client(peer, "sesv2"))
        assert [mail.message_id for mail in peer.mails] == [answer["MessageId"]]
        assert peer.mails[0].data == DATA and peer.mails[0].tags == {"bucket": "example"}
        assert peer.complaints == []


def test_ses_knows_the_headers_of_a_template():
    document = {"FromEmailAddress": "files@example.org", "Content": {"Template": {
        "TemplateName": "t", "TemplateData": "{}", "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}]}}}
    with ses_peer() as peer:
        assert peer.invalid(peer.SHAPE, document) == ""
        document["Content"]["Template"]["Headers"][0]["value"] = "x"
        assert "value" in peer.invalid(peer.SHAPE, document)


@pytest.mark.parametrize("pair", [
    KeyPair(ROLE.access_key_id, ROLE.secret_access_key + "x", ROLE.session_token),
    KeyPair(ROLE.access_key_id, ROLE.secret_access_key, ROLE.session_token + "x"),
    KeyPair("ASIAOTHER", ROLE.secret_access_key, ROLE.session_token),
], ids=["secret", "token", "key"])
def test_a_wrong_signature_is_refused_and_noted(pair):
    with ses_peer() as peer:
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            send(client(peer, "sesv2", pair))
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert peer.mails == [] and len(peer.complaints) == 1


@pytest.mark.parametrize("fault, code", [
    ("throttled", "TooManyRequestsException"), ("unverified", "MessageRejected"), ("suspended", "AccountSuspendedException"),
    ("domain_not_verified", "MailFromDomainNotVerifiedException"), ("unavailable", "ServiceUnavailableException"),
])
def test_errors_of_ses_are_errors_to_boto3(fault, code):
    with ses_peer() as peer:
        peer.fault(getattr(peer, fault))
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            send(client(peer, "sesv2"))
        assert refused.value.response["Error"]["Code"] == code
        send(client(peer, "sesv2"))
        assert len(peer.mails) == 1


def test_an_unknown_template_is_not_found():
    with ses_peer() as peer, pytest.raises(botocore.exceptions.ClientError) as refused:
        send(client(peer, "sesv2"), template="Other")
    assert refused.value.response["Error"]["Code"] == "NotFoundException"


def test_connections_break_where_they_are_told_to(authority):
    for context in (None, authority.server_context):
        with ses_peer(tls_context=context) as peer:
            ses = boto3.session.Session().client(
                "sesv2", region_name=REGION, endpoint_url=peer.url, aws_access_key_id=ROLE.access_key_id,
                aws_secret_access_key=ROLE.secret_access_key, aws_session_token=ROLE.session_token,
                verify=str(authority.file), config=Config(retries={"total_max_attempts": 1}, proxies={}))
            peer.reset_next()
            with pytest.raises(botocore.exceptions.HTTPClientError):
                send(ses)
            assert peer.requests == []
            peer.fault(peer.accepted_then_dropped)
            with pytest.raises(botocore.exceptions.HTTPClientError):
                send(ses)
            assert len(peer.mails) == 1
            send(ses)
            assert peer.close_idle() == 1
            send(ses)  # urllib3 sees that the connection is closed, and opens another
            assert len(peer.mails) == 3 and peer.complaints == []


def test_secrets_manager_answers_boto3():
    with aws_peers.SecretsPeer([ROLE], {"arn:secret": "the text"}, region=REGION) as peer:
        secrets = client(peer, "secretsmanager")
        assert secrets.get_secret_value(SecretId="arn:secret")["SecretString"] == "the text"
        with pytest.raises(secrets.exceptions.ResourceNotFoundException):
            secrets.get_secret_value(SecretId="other")
        assert peer.complaints == []


def test_the_listing_pages_as_s3_does():
    when = datetime.datetime(2026, 11, 22, 10, 0, 0)
    keys = ["a b+c&d.txt", "b/ü.pdf", "c", "😀", "ÿ"]
    with aws_peers.S3ListingPeer([ROLE], "example", region=REGION) as peer:
        peer.objects = {key: (7, "etag", when) for key in keys}
        peer.page_size = 2
        s3 = client(peer, "s3", s3={"addressing_style": "path"})
        pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket="example"))
        assert [len(page["Contents"]) for page in pages] == [2, 2, 1]
        assert [row["Key"] for page in pages for row in page["Contents"]] == sorted(keys, key=str.encode)
        assert pages[0]["Contents"][0]["LastModified"].replace(tzinfo=None) == when
        rest = s3.list_objects_v2(Bucket="example", StartAfter="c")
        assert [row["Key"] for row in rest["Contents"]] == ["ÿ", "😀"]
        with pytest.raises(s3.exceptions.NoSuchBucket):
            s3.list_objects_v2(Bucket="other")
        assert peer.complaints == []


def test_a_presigned_url_of_boto3_is_accepted_and_a_changed_one_is_not():
    s3 = boto3.session.Session().client("s3", region_name=REGION, aws_access_key_id=SIGNER.access_key_id,
                                        aws_secret_access_key=SIGNER.secret_access_key,
                                        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
    url = s3.generate_presigned_url("get_object", ExpiresIn=600, Params={
        "Bucket": "example", "Key": "ä b/+.txt", "ResponseContentDisposition": 'attachment; filename="x y.txt"'})
    read = read_presigned(url, [ROLE, SIGNER], REGION)
    assert read.path == "/ä b/+.txt" and read.expires_seconds == 600 and read.pair == SIGNER
    assert read.query == {"response-content-disposition": 'attachment; filename="x y.txt"'}
    with pytest.raises(AssertionError):
        read_presigned(url.replace("Expires=600", "Expires=601"), [SIGNER], REGION)


# -- DynamoDB -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def table():
    with DynamoDbPeer([ROLE], "Ledger", ["object", "delivery"], "expires", region=REGION) as peer:
        yield peer


def test_a_lease_is_won_held_and_taken_over(table):
    dynamodb = client(table, "dynamodb")
    key = {"object": {"S": "b/k"}, "delivery": {"S": "v/ann@example.org"}}

    def claim(owner, now, until):
        return dynamodb.put_item(
            TableName="Ledger", Item={**key, "holder": {"S": owner}, "lease": {"N": str(until)}},
            ConditionExpression="attribute_not_exists(#o) OR (attribute_not_exists(sent) AND (lease < :now OR holder = :me))",
            ExpressionAttributeNames={"#o": "object"},
            ExpressionAttributeValues={":now": {"N": str(now)}, ":me": {"S": owner}})

    claim("one", 100, 130)
    claim("one", 101, 131)
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        claim("two", 131, 160)
    claim("two", 132, 160)
    dynamodb.update_item(TableName="Ledger", Key=key, UpdateExpression="SET sent = :id, expires = :t REMOVE lease",
                         ConditionExpression="holder = :me", ExpressionAttributeValues={
                             ":id": {"S": "0107"}, ":t": {"N": "999"}, ":me": {"S": "two"}})
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        claim("two", 1000, 1030)
    assert dynamodb.get_item(TableName="Ledger", Key=key)["Item"] == {
        **key, "holder": {"S": "two"}, "sent": {"S": "0107"}, "expires": {"N": "999"}}
    dynamodb.delete_item(TableName="Ledger", Key=key)
    assert table.items == {} and table.complaints == []


@pytest.mark.parametrize("text, wrong", [
    ("object = :a", "reserved"), ("a = :b", "not defined"), ("#x = :a", "not defined"), ("a == :a", "Syntax"),
    ("a = :a AND", "Syntax"), ("(a = :a", "Syntax"), ("attribute_exists(:a)", "Syntax"), ("", "empty"), ("a = :a a", "Syntax"),
])
def test_what_dynamodb_refuses_is_refused(text, wrong):
    with pytest.raises(expressions.Invalid, match=wrong):
        expressions.condition_holds(text, expressions.Scope({}, {":a": {"S": "x"}}), {"a": {"S": "x"}})


@pytest.mark.parametrize("text, holds", [
    ("attribute_exists(s)", True), ("NOT attribute_exists(s)", False), ("n < :n", True), ("n > :n", False),
    ("n >= :s", False), ("n <> :s", True), ("missing = :n", False), ("missing <> :n", True), ("n BETWEEN :two AND :n", True),
    ("s IN (:n, :s)", True), ("begins_with(s, :s) AND contains(s, :s)", True), ("size(s) = :two", True),
    ("n > :n OR s = :s AND n < :n", True), ("(n < :n OR s = :s) AND n > :n", False),
])
def test_conditions_mean_what_dynamodb_says(text, holds):
    scope = expressions.Scope({}, {":n": {"N": "10"}, ":s": {"S": "hi"}, ":two": {"N": "2"}})
    assert expressions.condition_holds(text, scope, {"s": {"S": "hi"}, "n": {"N": "9"}}) is holds


def test_a_request_against_the_schema_is_refused_and_noted(table):
    dynamodb = client(table, "dynamodb")
    for item in ({"object": {"S": "x"}}, {"object": {"S": "x"}, "delivery": {"N": "1"}},
                 {"object": {"S": "x"}, "delivery": {"S": ""}},
                 {"object": {"S": "x"}, "delivery": {"S": "y"}, "expires": {"S": "soon"}}):
        with pytest.raises(botocore.exceptions.ClientError, match="ValidationException"):
            dynamodb.put_item(TableName="Ledger", Item=item)
    with pytest.raises(botocore.exceptions.ClientError, match="unused"):
        dynamodb.put_item(TableName="Ledger", Item={"object": {"S": "x"}, "delivery": {"S": "y"}},
                          ConditionExpression="attribute_not_exists(sent)", ExpressionAttributeValues={":x": {"S": "x"}})
    assert len(table.complaints) == 5


def test_time_passes_for_instants_only(table):
    table.items = {("a", "b"): {"object": {"S": "a"}, "lease": {"N": "1795000000"}, "ms": {"N": "1795000000123"},
                                "count": {"N": "7"}}}
    table.time_passes(100)
    assert table.items[("a", "b")] == {"object": {"S": "a"}, "lease": {"N": "1794999900"}, "ms": {"N": "1794999900123"},
                                       "count": {"N": "7"}}


# -- Runtime API and X-Ray ----------------------------------------------------------------------------------------------


def call(runtime, method, path, body=None, headers=None):
    request = urllib.request.Request(f"http://{runtime.address}/2018-06-01/runtime/{path}", body, headers or {},
                                     method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        return answer.status, answer.headers, answer.read()


@pytest.mark.parametrize("chunked", [False, True])
def test_the_runtime_api_hands_out_and_takes_back(chunked):
    with runtime_api.RuntimeApi() as runtime:
        invocation = runtime.submit({"n": 1}, timeout_seconds=10, chunked=chunked)
        status, headers, body = call(runtime, "GET", "invocation/next")
        assert status == 200 and json.loads(body) == {"n": 1}
        assert headers["Lambda-Runtime-Aws-Request-Id"] == invocation.request_id
        assert 0 < int(headers["Lambda-Runtime-Deadline-Ms"]) - time.time() * 1000 <= 10_000
        status, _, _ = call(runtime, "POST", f"invocation/{invocation.request_id}/response", b'{"ok":true}')
        assert status == 202 and invocation.kind == "response" and invocation.json() == {"ok": True}
        assert runtime.complaints == []


def test_the_runtime_api_notes_what_is_wrong():
    with runtime_api.RuntimeApi() as runtime:
        runtime.submit({})
        runtime.submit({})
        call(runtime, "GET", "invocation/next")
        call(runtime, "GET", "invocation/next")
        call(runtime, "POST", "init/error", b'{"errorMessage": 1, "stackTrace": ["x"]}')
        assert len(runtime.complaints) == 4


def test_an_invocation_outlives_a_dropped_poll():
    with runtime_api.RuntimeApi() as runtime:
        runtime.fault_next(http_peer.Drop)
        with pytest.raises(OSError):
            call(runtime, "GET", "invocation/next")
        runtime.submit({"n": 2})
        assert json.loads(call(runtime, "GET", "invocation/next")[2]) == {"n": 2}


def test_a_lost_answer_has_the_invocation_handed_out_again():
    with runtime_api.RuntimeApi() as runtime:
        runtime.fault_answer(runtime_api.Lost)
        invocation = runtime.submit({"n": 3})
        answer = ("POST", f"invocation/{invocation.request_id}/response", b"{}")
        call(runtime, "GET", "invocation/next")
        with pytest.raises(OSError):
            call(runtime, *answer)
        assert not invocation.answered
        assert json.loads(call(runtime, "GET", "invocation/next")[2]) == {"n": 3}
        assert call(runtime, *answer)[0] == 202 and invocation.answered and runtime.complaints == []


GOOD_SEGMENT = {
    "name": "SES", "id": "70de5b6f19ff9a0a", "start_time": 1795000000.1, "end_time": 1795000000.2,
    "trace_id": "1-581cf771-a006649127e371903a2de979", "type": "subsegment", "parent_id": "70de5b6f19ff9a0b",
    "namespace": "aws", "aws": {"operation": "SendEmail", "region": REGION, "retries": 1},
    "http": {"response": {"status": 200}},
    "subsegments": [{"name": "sign", "id": "70de5b6f19ff9a0c", "start_time": 1795000000.1, "end_time": 1795000000.1}],
}


def test_the_rules_for_segments_accept_a_good_one():
    assert xray_listener.faults_of(GOOD_SEGMENT) == []


@pytest.mark.parametrize("change", [
    {"id": "70DE5B6F19FF9A0A"}, {"trace_id": "1-581cf771-a006649127e371903a2de97"}, {"type": None}, {"end_time": 1.0},
    {"namespace": "other"}, {"aws": {"operation": "SendEmail"}}, {"throttle": True}, {"extra": 1}, {"name": "a?b"},
    {"annotations": {"a b": 1}}, {"subsegments": [{"name": "x"}]}, {"fault": "yes"},
])
def test_the_rules_for_segments_refuse(change):
    assert xray_listener.faults_of(GOOD_SEGMENT | change)
