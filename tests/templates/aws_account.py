"""An AWS account as deploy/aws/deploy and deploy/aws/redrive see it, over HTTP on loopback, for the real aws-cli.

One peer for all services; the credential scope of a request's signature tells which is meant. What a template makes of
its parameters is worked out by cfn_stack, so a deployment that CloudFormation would refuse is refused here. SQS answers
in both of its protocols, because aws-cli changed from one to the other.
"""

import copy
import dataclasses
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import urllib.parse
import uuid
from xml.sax.saxutils import escape

import cfn_stack
import http_peer
from http_peer import Answer

REGION = cfn_stack.PSEUDO["AWS::Region"]
ACCOUNT = cfn_stack.PSEUDO["AWS::AccountId"]
REPOSITORY = cfn_stack.DEPLOY.parents[1]
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:CommonAlarmNotification"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"


class Refusal(Exception):
    """An error document: status, code, message."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


def xml(inner, operation=None):
    """An answer of the Query protocol, or with one element of REST-XML."""
    text = inner
    if operation:
        text = f"<{operation}Response><{operation}Result>{inner}</{operation}Result></{operation}Response>"
    return Answer(200, {"Content-Type": "text/xml"}, text.encode())


def members(rows):
    """A list of the Query protocol: each row a mapping."""
    texts = ("".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items()) for row in rows)
    return "".join(f"<member>{text}</member>" for text in texts)


@dataclasses.dataclass
class Stack:
    """A deployed stack. `parameters`: as given, by name, defaults filled in."""

    parameters: dict
    outputs: dict
    status: str = "CREATE_COMPLETE"
    events: list = dataclasses.field(default_factory=list)  # (resource, status, reason), newest first


@dataclasses.dataclass
class Letter:
    """A message of the queue."""

    body: str
    error_message: str = ""
    error_code: str = "200"
    sent: int = 1_790_000_000_000
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    request_id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    hidden: bool = False
    handle: str = ""

    def attributes(self):
        """name → (type, value), as Lambda sets them."""
        return {"RequestID": ("String", self.request_id), "ErrorCode": ("Number", self.error_code),
                "ErrorMessage": ("String", self.error_message)}


class Account(http_peer.HttpPeer):
    def __init__(self):
        self.calls = []  # (service, operation, what was asked), in order
        self.refusals = {}  # operation → Refusal that it gets from now on
        self.regions = set()
        # CloudFormation
        self.stacks = {}
        self.change_sets = {}
        self.failing_resource = None  # (logical id, reason): what the next execution fails by
        # S3
        self.buckets = {}  # name → key → (ETag, body)
        self.log_delivery_acl = set()  # buckets whose ACL lets the log delivery group write
        # SES
        self.identities = {}  # identity → whether it is verified
        self.production = True
        self.sending = True
        # SNS
        self.unconfirmed = []
        # SQS and Lambda
        self.letters = []
        self.batch = 10
        self.invocations = []  # (function, payload)
        self._handles = itertools.count(1)
        super().__init__()
        self.queue_url = f"{self.url}/{ACCOUNT}/LinkGeneratorDeadLetterQueue"

    def operations(self, service=None):
        return [operation for called, operation, _ in self.calls if service in (None, called)]

    def asked(self, operation):
        """What was asked of an operation, each time."""
        return [asked for _, called, asked in self.calls if called == operation]

    # -- requests

    def handle(self, request):
        scope = re.search(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request", request.header("authorization", ""))
        if not scope:
            self.complaints.append(f"not signed: {request.method} {request.target}")
            return Answer(403)
        region, service = scope.groups()
        self.regions.add(region)
        try:
            with self.changed:
                return getattr(self, "_" + service.replace("-", "_"))(request)
        except Refusal as refusal:
            return self._error(service, request, refusal)

    def _begin(self, service, operation, asked):
        self.calls.append((service, operation, asked))
        if operation in self.refusals:
            raise self.refusals[operation]

    @staticmethod
    def _error(service, request, refusal):
        if request.method == "HEAD":
            return Answer(refusal.status)
        if service in ("ses", "lambda") or request.header("x-amz-target"):
            return Answer(refusal.status, {"Content-Type": "application/json", "x-amzn-ErrorType": refusal.code},
                          json.dumps({"__type": refusal.code, "message": str(refusal)}).encode())
        inner = f"<Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message>"
        text = f"<Error>{inner}</Error>"
        if service != "s3":
            text = f"<ErrorResponse>{text}</ErrorResponse>"
        return Answer(refusal.status, {"Content-Type": "text/xml"}, text.encode())

    def _query(self, service, request):
        """Operation and parameters of the Query protocol."""
        asked = dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
        operation = asked.pop("Action")
        self._begin(service, operation, asked)
        return operation, asked

    def _method(self, operation):
        return getattr(self, "_do" + re.sub(r"([A-Z])", r"_\1", operation).lower())

    # -- services

    def _sts(self, request):
        operation, _ = self._query("sts", request)
        return xml(f"<Account>{ACCOUNT}</Account><Arn>arn:aws:iam::{ACCOUNT}:user/deployer</Arn>", operation)

    def _sns(self, request):
        operation, asked = self._query("sns", request)
        assert (operation, asked["TopicArn"]) == ("ListSubscriptionsByTopic", TOPIC)
        rows = [{"Endpoint": address, "SubscriptionArn": "PendingConfirmation"} for address in self.unconfirmed]
        rows.append({"Endpoint": "confirmed@example.org", "SubscriptionArn": TOPIC + ":1"})
        return xml(f"<Subscriptions>{members(rows)}</Subscriptions>", operation)

    def _ses(self, request):
        if request.path == "/v2/email/account":
            self._begin("ses", "GetAccount", None)
            return Answer.of_json({"ProductionAccessEnabled": self.production, "SendingEnabled": self.sending})
        identity = urllib.parse.unquote(request.path.removeprefix("/v2/email/identities/"))
        self._begin("ses", "GetEmailIdentity", identity)
        if identity not in self.identities:
            raise Refusal(404, "NotFoundException", f"Email identity {identity} does not exist.")
        return Answer.of_json({"IdentityType": "EMAIL_ADDRESS", "VerifiedForSendingStatus": self.identities[identity]})

    def _lambda(self, request):
        name = re.fullmatch(r"/2015-03-31/functions/([^/]+)/invocations", request.path)[1]
        self._begin("lambda", "Invoke", name)
        assert request.header("x-amz-invocation-type") == "Event"
        self.invocations.append((name, request.body.decode()))
        return Answer(202)

    # -- S3

    def _s3(self, request):
        bucket, _, key = urllib.parse.unquote(request.path[1:]).partition("/")
        query = dict(request.query)
        if request.method == "PUT" and not key and "acl" not in query:
            self._begin("s3", "CreateBucket", bucket)
            self.buckets[bucket] = {}
            return Answer(200, {"Location": f"/{bucket}"})
        if request.method == "HEAD":
            self._begin("s3", "HeadObject" if key else "HeadBucket", (bucket, key, query.get("versionId")))
        if bucket not in self.buckets:
            raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist")
        if "acl" in query:
            return self._acl(request, bucket)
        if request.method == "HEAD":
            if key and key not in self.buckets[bucket]:
                raise Refusal(404, "NoSuchKey", "The specified key does not exist.")
            return Answer(200, {"ETag": f'"{self.buckets[bucket][key][0]}"'} if key else {})
        assert request.method == "PUT"
        self._begin("s3", "PutObject", (bucket, key))
        self.buckets[bucket][key] = ("0123456789abcdef0123456789abcdef", request.body)
        return Answer(200, {"ETag": '"0123456789abcdef0123456789abcdef"'})

    def _acl(self, request, bucket):
        if request.method == "PUT":
            self._begin("s3", "PutBucketAcl", (bucket, request.header("x-amz-acl")))
            self.log_delivery_acl.discard(bucket)
            return Answer(200)
        self._begin("s3", "GetBucketAcl", bucket)
        grants = [("<ID>owner</ID>", "CanonicalUser", "FULL_CONTROL")]
        if bucket in self.log_delivery_acl:
            grants += [(f"<URI>{LOG_DELIVERY}</URI>", "Group", right) for right in ("WRITE", "READ_ACP")]
        namespace = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        rows = "".join(f'<Grant><Grantee {namespace} xsi:type="{kind}">{who}</Grantee><Permission>{right}</Permission>'
                       "</Grant>" for who, kind, right in grants)
        return xml(f"<AccessControlPolicy><Owner><ID>owner</ID></Owner><AccessControlList>{rows}</AccessControlList>"
                   "</AccessControlPolicy>")

    # -- CloudFormation

    def _cloudformation(self, request):
        operation, asked = self._query("cloudformation", request)
        return xml(self._method(operation)(asked), operation)

    def _stack(self, name):
        if name not in self.stacks:
            raise Refusal(400, "ValidationError", f"Stack with id {name} does not exist")
        return self.stacks[name]

    def _do_describe_stacks(self, asked):
        name = asked["StackName"]
        stack = self._stack(name)
        parameters = members({"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items())
        outputs = members({"OutputKey": key, "OutputValue": value} for key, value in stack.outputs.items())
        return (f"<Stacks><member><StackName>{name}</StackName><StackStatus>{stack.status}</StackStatus>"
                f"<CreationTime>2026-11-01T10:00:00Z</CreationTime><Parameters>{parameters}</Parameters>"
                f"<Outputs>{outputs}</Outputs></member></Stacks>")

    def _do_get_template_summary(self, asked):
        names = self._stack(asked["StackName"]).parameters
        return f"<Parameters>{members({'ParameterKey': name} for name in names)}</Parameters>"

    def _do_create_change_set(self, asked):
        template, = [name for name in ("ses_email_sender", "lambda_link_generator")
                     if (cfn_stack.DEPLOY / f"{name}.yaml").read_text(encoding="utf-8") == asked["TemplateBody"]]
        assert asked["Capabilities.member.1"] == "CAPABILITY_IAM"
        before = self.stacks.get(asked["StackName"])
        assert asked["ChangeSetType"] == ("UPDATE" if before else "CREATE")
        given = {}
        for number in itertools.count(1):
            prefix = f"Parameters.member.{number}."
            if prefix + "ParameterKey" not in asked:
                break
            name = asked[prefix + "ParameterKey"]
            given[name] = (before.parameters[name] if asked.get(prefix + "UsePreviousValue") == "true"
                           else asked[prefix + "ParameterValue"])
        exports = {name: value for stack in self.stacks.values() for name, value in stack.outputs.items()}
        try:
            made = cfn_stack.Stack(cfn_stack.load(template), given, exports)
            made.resources()
        except cfn_stack.Refused as refused:
            raise Refusal(400, "ValidationError", str(refused)) from None
        physical = {"CommonAlarmTopic": TOPIC, "DeadLetterQueue": self.queue_url}
        outputs = {name: physical.get(name, made.value(output["Value"]))
                   for name, output in made.template["Outputs"].items()}
        identifier = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/{asked['ChangeSetName']}/{uuid.uuid4()}"
        self.change_sets[identifier] = Stack(
            made.parameters, outputs, "UPDATE_COMPLETE" if before else "CREATE_COMPLETE",
            copy.copy(before.events) if before else [])
        return f"<Id>{identifier}</Id>"

    def _do_describe_change_set(self, asked):
        before, planned = self.stacks.get(asked["StackName"]), self.change_sets[asked["ChangeSetName"]]
        if before and before.parameters == planned.parameters:
            return ("<Status>FAILED</Status><StatusReason>The submitted information didn't contain changes. Submit "
                    "different information to create a change set.</StatusReason>")
        return "<Status>CREATE_COMPLETE</Status>"

    def _do_execute_change_set(self, asked):
        name, planned = asked["StackName"], self.change_sets[asked["ChangeSetName"]]
        before = self.stacks.get(name)
        failure = self.failing_resource
        logs = planned.parameters.get("FileExchangeBucketName", "") + "-access-logs"
        if logs in self.log_delivery_acl:
            failure = ("FileExchangeBucketLogs",
                       "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
        began = (name, "UPDATE_IN_PROGRESS" if before else "CREATE_IN_PROGRESS", "User Initiated")
        if not failure:
            planned.events.insert(0, began)
            self.stacks[name] = planned
            if "FileExchangeBucketName" in planned.parameters:
                self.buckets.setdefault(planned.parameters["FileExchangeBucketName"], {})
                self.buckets.setdefault(logs, {})
            return ""
        state = "UPDATE_ROLLBACK_COMPLETE" if before else "ROLLBACK_COMPLETE"
        stack = dataclasses.replace(before or planned, status=state)
        stack.events = [("LinkGenerator", "CREATE_FAILED", "Resource creation cancelled"),
                        (failure[0], "CREATE_FAILED", failure[1]), began, *stack.events]
        self.stacks[name] = stack
        return ""

    def _do_describe_stack_events(self, asked):
        return "<StackEvents>" + members(
            {"LogicalResourceId": resource, "ResourceStatus": status, "ResourceStatusReason": reason,
             "StackId": "1", "EventId": "1", "StackName": asked["StackName"], "Timestamp": "2026-11-01T10:00:00Z"}
            for resource, status, reason in self._stack(asked["StackName"]).events) + "</StackEvents>"

    # -- SQS

    def _sqs(self, request):
        target = request.header("x-amz-target")
        if target:
            operation, asked = target.removeprefix("AmazonSQS."), json.loads(request.body)
            self._begin("sqs", operation, asked)
        else:
            operation, asked = self._query("sqs", request)
        if asked["QueueUrl"] != self.queue_url:
            raise Refusal(400, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
        return self._method(operation)(asked, bool(target), operation)

    def _do_receive_message(self, asked, is_json, operation):
        assert int(asked["VisibilityTimeout"]) > 0
        taken = [letter for letter in self.letters if not letter.hidden]
        taken = taken[:min(self.batch, int(asked["MaxNumberOfMessages"]))]
        for letter in taken:
            letter.hidden, letter.handle = True, f"handle-{next(self._handles)}"
        if is_json:
            return Answer.of_json({"Messages": [
                {"MessageId": letter.id, "ReceiptHandle": letter.handle, "Body": letter.body,
                 "Attributes": {"SentTimestamp": str(letter.sent)},
                 "MessageAttributes": {name: {"DataType": kind, "StringValue": value}
                                       for name, (kind, value) in letter.attributes().items()}} for letter in taken]})
        return xml("".join(self._message(letter) for letter in taken), operation)

    @staticmethod
    def _message(letter):
        attributes = "".join(
            f"<MessageAttribute><Name>{name}</Name><Value><StringValue>{escape(value)}</StringValue>"
            f"<DataType>{kind}</DataType></Value></MessageAttribute>"
            for name, (kind, value) in letter.attributes().items())
        return (f"<Message><MessageId>{letter.id}</MessageId><ReceiptHandle>{letter.handle}</ReceiptHandle>"
                f"<Body>{escape(letter.body)}</Body><Attribute><Name>SentTimestamp</Name><Value>{letter.sent}</Value>"
                f"</Attribute>{attributes}</Message>")

    def _do_delete_message(self, asked, is_json, operation):
        self.letters.remove(self._held(asked["ReceiptHandle"]))
        return Answer.of_json({}) if is_json else xml("", operation)

    def _do_change_message_visibility_batch(self, asked, is_json, operation):
        if is_json:
            entries = [(entry["Id"], entry["ReceiptHandle"], entry["VisibilityTimeout"]) for entry in asked["Entries"]]
        else:
            prefix = "ChangeMessageVisibilityBatchRequestEntry"
            numbers = sorted({int(name.split(".")[1]) for name in asked if name.startswith(prefix)})
            parts = ("Id", "ReceiptHandle", "VisibilityTimeout")
            entries = [tuple(asked[f"{prefix}.{number}.{part}"] for part in parts) for number in numbers]
        assert len(entries) <= 10 and len({entry[0] for entry in entries}) == len(entries)
        for _, handle, timeout in entries:
            self._held(handle).hidden = int(timeout) > 0
        if is_json:
            return Answer.of_json({"Successful": [{"Id": entry[0]} for entry in entries], "Failed": []})
        return xml("".join(f"<ChangeMessageVisibilityBatchResultEntry><Id>{entry[0]}</Id>"
                           "</ChangeMessageVisibilityBatchResultEntry>" for entry in entries), operation)

    def _do_get_queue_attributes(self, _, is_json, operation):
        hidden = str(sum(letter.hidden for letter in self.letters))
        name = "ApproximateNumberOfMessagesNotVisible"
        if is_json:
            return Answer.of_json({"Attributes": {name: hidden}})
        return xml(f"<Attribute><Name>{name}</Name><Value>{hidden}</Value></Attribute>", operation)

    def _held(self, handle):
        for letter in self.letters:
            if letter.handle == handle:
                return letter
        raise Refusal(400, "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")


class Scripts:
    """Runs scripts of deploy/aws (or of a copy, `folder`). `environment` is what they get, and may be changed."""

    def __init__(self, account, tmp_path):
        self.folder = cfn_stack.DEPLOY
        real, programs = shutil.which("aws"), tmp_path / "bin"
        assert real, "aws-cli is not installed"
        programs.mkdir()
        (programs / "aws").write_text(f'#!/bin/sh\nexec {real} --endpoint-url {account.url} "$@"\n')
        (programs / "aws").chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        # The system's programs only: a wrapper of python3 could put another aws before ours.
        self.environment = kept | {
            "PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path),
            "AWS_ACCESS_KEY_ID": "AKIAQ4EXAMPLEDEPLOY1",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYDEPLOYKEY", "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1"}

    def __call__(self, name, *arguments):
        return subprocess.run([str(pathlib.Path(self.folder) / name), *map(str, arguments)], env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280, check=False)
