"""One DynamoDB table: PutItem, UpdateItem, DeleteItem and GetItem, over JSON 1.0.

Conditions are really evaluated, one request at a time; key names and types are those of the template's table.
"""

import json
import uuid
import zlib

import aws_peers
import botocore.model
import dynamodb_expressions as expressions
from http_peer import Answer


def _model():
    """Debian 12's botocore is older than what UpdateItem, PutItem and DeleteItem can do in one call: tell the item that a
    condition failed on. Added as the Amazon DynamoDB API Reference has it."""
    description = aws_peers.load_description("dynamodb")
    for operation in ("PutItem", "UpdateItem", "DeleteItem"):
        description["shapes"][f"{operation}Input"]["members"].setdefault(
            "ReturnValuesOnConditionCheckFailure", {"shape": "ReturnValuesOnConditionCheckFailure"})
    return botocore.model.ServiceModel(description, "dynamodb")


class DynamoDbPeer(aws_peers.AwsPeer):
    SERVICE = "dynamodb"
    REFUSED_STATUS = 400
    CONTENT_TYPE = "application/x-amz-json-1.0"
    TARGET = "DynamoDB_20120810."
    MODEL = _model()

    def __init__(self, keys, table, key_names, ttl_attribute=None, **options):
        self.table, self.key_names, self.ttl_attribute = table, list(key_names), ttl_attribute
        self.items = {}  # key values → item
        self.operations = []  # names, in order
        super().__init__(keys, **options)

    def error(self, status, code, message, **more):
        namespace = "com.amazon.coral.validate" if code == "ValidationException" else "com.amazonaws.dynamodb.v20120810"
        return self._answer(status, {"__type": f"{namespace}#{code}", "message": message, **more})

    def throttled(self, _=None):
        return self.error(400, "ProvisionedThroughputExceededException",
                          "The level of configured provisioned throughput for the table was exceeded.")

    def internal(self, _=None):
        return self.error(500, "InternalServerError", "Internal server error")

    def _answer(self, status, document):
        body = json.dumps(document).encode()
        return Answer(status, {"Content-Type": self.CONTENT_TYPE, "x-amzn-RequestId": uuid.uuid4().hex.upper(),
                               "x-amz-crc32": str(zlib.crc32(body))}, body)

    def time_passes(self, seconds):
        """Moves every instant the table holds into the past: numbers that can only be Unix seconds or milliseconds."""
        with self.changed:
            for item in self.items.values():
                for name, value in item.items():
                    number = float(value["N"]) if "N" in value else 0
                    if number > 1e12:
                        item[name] = {"N": str(int(number - 1000 * seconds))}
                    elif number > 1e9:
                        item[name] = {"N": str(int(number - seconds))}

    def serve(self, request):
        target = request.header("x-amz-target", "")
        operation = target.removeprefix(self.TARGET)
        if not target.startswith(self.TARGET) or not hasattr(self, f"_{operation}") or request.path != "/":
            self.complaints.append(f"dynamodb: {target} {request.path}")
            return self.error(400, "UnknownOperationException", "no such operation")
        if request.header("content-type") != self.CONTENT_TYPE:
            self.complaints.append(f"dynamodb: Content-Type {request.header('content-type')}")
        document = request.json()
        try:
            report = self.invalid(self.MODEL.operation_model(operation).input_shape, document)
            if report:
                raise expressions.Invalid(report)
            if document["TableName"] != self.table:
                return self.error(400, "ResourceNotFoundException", "Requested resource not found")
            with self.changed:  # one at a time, as for one item in DynamoDB
                self.operations.append(operation)
                return getattr(self, f"_{operation}")(document)
        except expressions.Invalid as wrong:
            self.complaints.append(f"dynamodb: {operation}: {wrong}")
            return self.error(400, "ValidationException", str(wrong))

    def _key(self, attributes, exact=True):
        if exact and set(attributes) != set(self.key_names):
            raise expressions.Invalid(f"The provided key element does not match the schema: {sorted(attributes)}")
        values = []
        for name in self.key_names:
            if "S" not in attributes.get(name, {}) or not attributes[name]["S"]:
                raise expressions.Invalid(f"One of the required keys was not given a value: {name}")
            values.append(attributes[name]["S"])
        if len(values[0].encode()) > 2048 or len("".join(values[1:]).encode()) > 1024:
            raise expressions.Invalid("Size of hashkey or rangekey has exceeded the maximum size limit")
        return tuple(values)

    def _check_values(self, item):
        for name, value in item.items():
            if len(value) != 1 or next(iter(value)) not in ("S", "N", "BOOL", "NULL"):
                raise expressions.Invalid(f"attribute {name} has the type of nothing we store: {value}")
            if "N" in value:
                float(value["N"])
        if self.ttl_attribute in item and "N" not in item[self.ttl_attribute]:
            raise expressions.Invalid(f"{self.ttl_attribute} is no number: such an entry would never be removed")
        if sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items()) > 400_000:
            raise expressions.Invalid("Item size has exceeded the maximum allowed size")

    def _scope(self, document):
        return expressions.Scope(document.get("ExpressionAttributeNames"), document.get("ExpressionAttributeValues"))

    def _refused(self, document, scope, item):
        """The answer to a request whose condition does not hold; None if it does."""
        holds = True
        if "ConditionExpression" in document:
            holds = expressions.condition_holds(document["ConditionExpression"], scope, item)
        if holds:
            return None
        more = {}
        if document.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and item:
            more["Item"] = item
        return self.error(400, "ConditionalCheckFailedException", "The conditional request failed", **more)

    def _PutItem(self, document):
        item = document["Item"]
        key = self._key(item, exact=False)
        self._check_values(item)
        scope = self._scope(document)
        refused = self._refused(document, scope, self.items.get(key))
        scope.check_all_used()
        if refused:
            return refused
        old = self.items.get(key)
        self.items[key] = item
        return self._answer(200, {"Attributes": old} if document.get("ReturnValues") == "ALL_OLD" and old else {})

    def _UpdateItem(self, document):
        key = self._key(document["Key"])
        item = self.items.get(key)
        scope = self._scope(document)
        refused = self._refused(document, scope, item)
        changed = dict(document["Key"]) if item is None else item
        if "UpdateExpression" in document:
            changed = expressions.updated(document["UpdateExpression"], scope, changed, self.key_names)
        scope.check_all_used()
        if refused:
            return refused
        self._check_values(changed)
        self.items[key] = changed
        wanted = document.get("ReturnValues", "NONE")
        if wanted not in ("NONE", "ALL_NEW", "ALL_OLD"):
            raise expressions.Invalid(f"ReturnValues {wanted} is not known here")
        returned = {"ALL_NEW": changed, "ALL_OLD": item}.get(wanted)
        return self._answer(200, {"Attributes": returned} if returned else {})

    def _DeleteItem(self, document):
        key = self._key(document["Key"])
        scope = self._scope(document)
        refused = self._refused(document, scope, self.items.get(key))
        scope.check_all_used()
        if refused:
            return refused
        self.items.pop(key, None)
        return self._answer(200, {})

    def _GetItem(self, document):
        item = self.items.get(self._key(document["Key"]))
        if item is None:
            return self._answer(200, {})
        scope = self._scope(document)
        if "ProjectionExpression" in document:
            item = expressions.projected(document["ProjectionExpression"], scope, item)
            scope.check_all_used()
        return self._answer(200, {"Item": item})
