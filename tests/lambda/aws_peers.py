"""The AWS services the function calls, as far as it uses them: SES v2, Secrets Manager, S3's listing.

Every request's signature is checked, every body against botocore's model of the service. What is wrong is answered as AWS
would answer, and kept in `complaints`.
"""

import copy
import json
import re
import urllib.parse
import uuid
from xml.sax.saxutils import escape

import aws_signature
import botocore.loaders
import botocore.model
import botocore.validate
import http_peer
from http_peer import Answer

_loader = botocore.loaders.Loader()


def load_description(service):
    """botocore's description of the service, which the caller may change."""
    return copy.deepcopy(_loader.load_service_model(service, "service-2"))


def service_model(name):
    return botocore.model.ServiceModel(load_description(name), name)


class AwsPeer(http_peer.HttpPeer):
    """One service in one region. `keys` are the key pairs that may sign; `expired` those that no longer may."""

    SERVICE = None  # of the credential scope
    REFUSED_STATUS = 403
    CONTENT_TYPE = "application/json"

    def __init__(self, keys, region="eu-central-1", tls_context=None):
        self.keys, self.region = list(keys), region
        self.expired = set()
        super().__init__(tls_context)

    def error(self, status, code, message):
        """The service's error document."""
        return Answer(status, {"Content-Type": self.CONTENT_TYPE, "x-amzn-RequestId": str(uuid.uuid4()),
                               "x-amzn-ErrorType": code}, json.dumps({"message": message}).encode())

    def refuse_key(self, key_pair):
        return self.error(self.REFUSED_STATUS, "ExpiredTokenException" if key_pair.session_token else
                          "UnrecognizedClientException", "The security token included in the request is invalid.")

    def handle(self, request):
        try:
            pair = aws_signature.check_header_signature(request, self.keys, self.region, self.SERVICE)
        except aws_signature.Refused as refused:
            self.complaints.append(f"{self.SERVICE}: {refused.code}: {refused}")
            return self.error(self.REFUSED_STATUS, refused.code, str(refused))
        if pair.access_key_id in self.expired:
            return self.refuse_key(pair)
        return self.serve(request)

    def serve(self, request):
        raise NotImplementedError

    def invalid(self, shape, document):
        """What botocore's model says against the document; empty when nothing."""
        return botocore.validate.ParamValidator().validate(document, shape).generate_report()


class Mail:
    """One accepted SendEmail."""

    def __init__(self, document, message_id):
        self.document, self.message_id = document, message_id
        self.template = document["Content"]["Template"]

    @property
    def data(self):
        return json.loads(self.template["TemplateData"])

    @property
    def recipient(self):
        return self.document["Destination"]["ToAddresses"][0]

    @property
    def headers(self):
        return {header["Name"]: header["Value"] for header in self.template.get("Headers", [])}

    @property
    def tags(self):
        return {tag["Name"]: tag["Value"] for tag in self.document.get("EmailTags", [])}


def _send_email_shape():
    """The input of SendEmail. Debian 12's botocore is older than Template.Headers, which is added as the Amazon SES API
    v2 Reference has it ("Template", "MessageHeader")."""
    description = load_description("sesv2")
    shapes = description["shapes"]
    if "Headers" not in shapes["Template"]["members"]:
        shapes["MessageHeaderName"] = {"type": "string", "min": 1, "max": 126}
        shapes["MessageHeaderValue"] = {"type": "string", "min": 1, "max": 870}
        shapes["MessageHeader"] = {"type": "structure", "required": ["Name", "Value"], "members": {
            "Name": {"shape": "MessageHeaderName"}, "Value": {"shape": "MessageHeaderValue"}}}
        shapes["MessageHeaderList"] = {"type": "list", "member": {"shape": "MessageHeader"}, "min": 0, "max": 15}
        shapes["Template"]["members"]["Headers"] = {"shape": "MessageHeaderList"}
    return botocore.model.ServiceModel(description, "sesv2").operation_model("SendEmail").input_shape


class SesPeer(AwsPeer):
    """SES v2 SendEmail with stored templates. Accepted mails are in `mails`, in order."""

    SERVICE = "ses"
    SHAPE = _send_email_shape()

    def __init__(self, keys, template_name, configuration_set, sender, **options):
        self.mails = []
        self.template_name, self.configuration_set, self.sender = template_name, configuration_set, sender
        super().__init__(keys, **options)

    # -- failures to order, beside http_peer's ----------------------------------------------------------------------

    def throttled(self, _=None):
        return self.error(429, "TooManyRequestsException", "Maximum sending rate exceeded.")

    def unavailable(self, _=None):
        return self.error(503, "ServiceUnavailableException", "Service is unavailable")

    def internal(self, _=None):
        return self.error(500, "InternalServiceErrorException", "An internal error occurred.")

    def unverified(self, _=None):
        return self.error(400, "MessageRejected", "Email address is not verified. The following identities failed the "
                          f"check in region {self.region.upper()}: {self.sender}")

    def domain_not_verified(self, _=None):
        return self.error(400, "MailFromDomainNotVerifiedException", "The sending domain isn't verified.")

    def suspended(self, _=None):
        return self.error(400, "AccountSuspendedException", "The account is suspended.")

    def paused(self, _=None):
        return self.error(400, "SendingPausedException", "Email sending is disabled for this account.")

    def accepted_then_dropped(self, request):
        """The mail goes out, the connection is closed without an answer."""
        self.handle(request)
        raise http_peer.Drop

    # -- work -------------------------------------------------------------------------------------------------------

    def serve(self, request):
        if (request.method, request.path) != ("POST", "/v2/email/outbound-emails"):
            self.complaints.append(f"ses: {request.method} {request.path}")
            return self.error(404, "UnknownOperationException", "no such operation")
        if not (request.header("content-type") or "").startswith("application/json"):
            self.complaints.append(f"ses: Content-Type {request.header('content-type')}")
        wrong = self._judge(request)
        if wrong:
            self.complaints.append(f"ses: {wrong}")
            return self.error(400, "BadRequestException", wrong)
        document = request.json()
        if document["Content"]["Template"]["TemplateName"] != self.template_name:
            return self.error(404, "NotFoundException", "Template "
                              f"{document['Content']['Template']['TemplateName']} does not exist.")
        if document.get("ConfigurationSetName", self.configuration_set) != self.configuration_set:
            return self.error(404, "NotFoundException", "Configuration set "
                              f"<{document['ConfigurationSetName']}> does not exist.")
        message_id = f"0107019{uuid.uuid4().hex[:9]}-{uuid.uuid4()}-000000"
        with self.changed:
            self.mails.append(Mail(document, message_id))
            self.changed.notify_all()
        return Answer.of_json({"MessageId": message_id}, x_amzn_RequestId=str(uuid.uuid4()))

    def _judge(self, request):
        """What SES would refuse, or what no mail of ours should look like; empty when all is well."""
        try:
            document = request.json()
        except ValueError:
            return "the body is not JSON"
        report = self.invalid(self.SHAPE, document)
        if report:
            return report
        template = document["Content"].get("Template", {})
        if list(document["Content"]) != ["Template"] or not {"TemplateName", "TemplateData"} <= set(template):
            return "not a mail from a stored template"
        if len(template["TemplateData"]) > 262144:
            return "TemplateData is over 262144 characters"
        data = json.loads(template["TemplateData"])
        if not isinstance(data, dict) or not all(isinstance(value, (str, bool)) for value in data.values()):
            return "TemplateData is not an object of texts and conditions"
        if document.get("FromEmailAddress") != self.sender:
            return f"FromEmailAddress {document.get('FromEmailAddress')!r}"
        destination = document.get("Destination", {})
        if list(destination) != ["ToAddresses"] or len(destination["ToAddresses"]) != 1:
            return "not one recipient"
        tags = document.get("EmailTags", [])
        for text in [tag[member] for tag in tags for member in ("Name", "Value")]:
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", text):
                return f"tag {text!r}"
        if len({tag["Name"] for tag in tags}) != len(tags):
            return "a tag twice"
        for header in template.get("Headers", []):
            if not re.fullmatch(r"[!-9;-@A-~]{1,126}", header["Name"]) or not re.fullmatch(r"[ -~]{1,870}", header["Value"]):
                return f"header {header}"
        return ""


class SecretsPeer(AwsPeer):
    """Secrets Manager's GetSecretValue. `secrets`: ARN or name → SecretString."""

    SERVICE = "secretsmanager"
    REFUSED_STATUS = 400
    CONTENT_TYPE = "application/x-amz-json-1.1"
    SHAPE = service_model("secretsmanager").operation_model("GetSecretValue").input_shape

    def __init__(self, keys, secrets, **options):
        self.secrets = dict(secrets)
        super().__init__(keys, **options)

    def error(self, status, code, message):
        return Answer(status, {"Content-Type": self.CONTENT_TYPE},
                      json.dumps({"__type": code, "Message": message}).encode())

    def serve(self, request):
        if request.header("x-amz-target") != "secretsmanager.GetSecretValue" or request.path != "/":
            self.complaints.append(f"secretsmanager: {request.header('x-amz-target')} {request.path}")
            return self.error(400, "UnknownOperationException", "no such operation")
        if request.header("content-type") != self.CONTENT_TYPE:
            self.complaints.append(f"secretsmanager: Content-Type {request.header('content-type')}")
        document = request.json()
        report = self.invalid(self.SHAPE, document)
        if report:
            self.complaints.append(f"secretsmanager: {report}")
            return self.error(400, "InvalidParameterException", report)
        if document["SecretId"] not in self.secrets:
            return self.error(400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        return Answer.of_json({"ARN": document["SecretId"], "Name": "signer", "VersionId": str(uuid.uuid4()),
                               "SecretString": self.secrets[document["SecretId"]], "VersionStages": ["AWSCURRENT"],
                               "CreatedDate": 1.7e9}, content_type=self.CONTENT_TYPE)


class S3ListingPeer(AwsPeer):
    """ListObjectsV2 of one bucket, in virtual-host or path style. `objects`: key → (bytes, ETag, modified datetime)."""

    SERVICE = "s3"
    CONTENT_TYPE = "application/xml"
    PARAMETERS = {"list-type", "start-after", "max-keys", "encoding-type", "continuation-token", "prefix", "fetch-owner"}

    def __init__(self, keys, bucket, **options):
        self.bucket = bucket
        self.objects = {}
        self.page_size = 1000
        super().__init__(keys, **options)

    def error(self, status, code, message):
        return Answer(status, {"Content-Type": self.CONTENT_TYPE, "x-amz-request-id": "4442587FB7D0A2F9"},
                      f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{escape(message)}'
                      "</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>".encode())

    def refuse_key(self, key_pair):
        return (self.error(400, "ExpiredToken", "The provided token has expired.") if key_pair.session_token else
                self.error(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."))

    def serve(self, request):
        query = dict(request.query)
        unknown = set(query) - self.PARAMETERS
        bucket = request.path.strip("/") or request.header("host").partition(".")[0]
        if request.method != "GET" or query.get("list-type") != "2" or unknown:
            self.complaints.append(f"s3: {request.method} {request.target}")
            return self.error(400, "InvalidArgument", "not a listing")
        if request.header("x-amz-content-sha256") is None:
            self.complaints.append("s3: no x-amz-content-sha256")
        if bucket != self.bucket:
            return self.error(404, "NoSuchBucket", "The specified bucket does not exist")
        encode = form_encoded if query.get("encoding-type") == "url" else escape
        after = bytes.fromhex(query.get("continuation-token", "")).decode() or query.get("start-after", "")
        prefix = query.get("prefix", "")
        left = sorted((key for key in self.objects if key.encode() > after.encode() and key.startswith(prefix)),
                      key=str.encode)
        page = left[:min(int(query.get("max-keys", "1000")), 1000, self.page_size)]
        rows = "".join(
            f"<Contents><Key>{encode(key)}</Key><LastModified>{modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for key in page for size, etag, modified in [self.objects[key]])
        more = len(page) < len(left)
        token = f"<NextContinuationToken>{page[-1].encode().hex()}</NextContinuationToken>" if more and page else ""
        encoding = "<EncodingType>url</EncodingType>" if query.get("encoding-type") == "url" else ""
        return Answer(200, {"Content-Type": "application/xml"}, (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{self.bucket}</Name><Prefix>{encode(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"
            f"<MaxKeys>{query.get('max-keys', '1000')}</MaxKeys>{encoding}<IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{rows}</ListBucketResult>").encode())


def form_encoded(text):
    """A key as S3 encodes it in listings and events."""
    return urllib.parse.quote_plus(text, safe="/-_.*")
