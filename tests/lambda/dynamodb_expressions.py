"""Evaluates DynamoDB's condition and update expressions on top-level attributes.

Source: Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions", "Update
expressions", "Reserved words". What of the grammar is missing here (document paths, ADD, DELETE) raises Invalid, as does
everything DynamoDB refuses.
"""

import decimal
import re


class Invalid(Exception):
    """DynamoDB's ValidationException."""


# Of DynamoDB's 573 reserved words those that an attribute of a ledger could be tempted to be called.
RESERVED = frozenset("""
    ACTION AFTER AGENT ATTRIBUTE BEFORE BEGIN BUCKET COMMENT CONDITION CONNECTION COUNT COUNTER CURRENT CURSOR DATA DATE
    DATETIME DAY DESC DURATION END ERROR FILE FIRST FUNCTION GROUP HASH HOLD HOUR INDEX INPUT INTERVAL ITEM ITEMS KEY KEYS
    LAST LENGTH LEVEL LIMIT LIST LOCAL LOCATION LOCK LOCKS LOG MATCH MAX MIN MINUTE MODE MONTH NAME NAMES NEW NEXT NUMBER
    OBJECT OFFSET OLD OPERATOR OPTION ORDER OTHER OUTPUT OWNER PARAMETER PARTITION PATH PERMISSION PLAN POSITION PROCESSED
    PUT QUERY RANGE RANK READ RECORD REGION RELEASE REPEAT REPLACE REQUEST RESET RESOURCE RESPONSE RESULT RETURN ROLE ROW
    RULE SAMPLE SAVE SCAN SECOND SEGMENT SEQUENCE SESSION SHARE SIZE SOURCE SPACE START STATE STATUS STORE STORED STREAM
    STRING SUM TABLE TEXT TIME TIMESTAMP TIMEZONE TOKEN TOTAL TOUCH TRANSACTION TRIGGER TTL TYPE UNIT UNTIL UPDATE URL
    USAGE USER USERS UUID VALUE VALUES VIEW WAIT WORK WRITE YEAR ZONE
    """.split())

_TOKEN = re.compile(r"\s*(?:(<>|<=|>=|[=<>(),+-])|([#:]?[A-Za-z_][A-Za-z0-9_]*))")


def _tokens(text):
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if not token:
            raise Invalid(f"Syntax error; token: {text[at:at + 10]!r}")
        found.append(token.group(1) or token.group(2))
        at = token.end()
    return found


class _Parser:
    """One expression over one item. Names and values are looked up in the request's maps, whose use is noted."""

    def __init__(self, text, scope, item):
        self.tokens, self.at, self.scope, self.item = _tokens(text), 0, scope, item
        if not self.tokens:
            raise Invalid("The expression can not be empty;")

    def peek(self, *keywords):
        return self.at < len(self.tokens) and self.tokens[self.at].upper() in keywords

    def take(self, *expected):
        if self.at >= len(self.tokens) or expected and self.tokens[self.at].upper() not in expected:
            raise Invalid(f"Syntax error; expected {expected} at token {self.at} of {self.tokens}")
        self.at += 1
        return self.tokens[self.at - 1]

    def name(self):
        return self.scope.name(self.take())

    def operand(self):
        """The typed value ({"S": "…"}), or None for an attribute that is not there."""
        token = self.take()
        if token.startswith(":"):
            return self.scope.value(token)
        if token.lower() == "size" and self.peek("("):
            self.take("(")
            value = self.operand()
            self.take(")")
            return None if value is None else {"N": str(len(next(iter(value.values()))))}
        return self.item.get(self.scope.name(token))

    # condition := and-part (OR and-part)*, and so on

    def condition(self):
        result = self.conjunction()
        while self.peek("OR"):
            self.take()
            right = self.conjunction()
            result = result or right
        return result

    def conjunction(self):
        result = self.negation()
        while self.peek("AND"):
            self.take()
            right = self.negation()
            result = result and right
        return result

    def negation(self):
        if self.peek("NOT"):
            self.take()
            return not self.negation()
        return self.primary()

    def primary(self):
        if self.peek("("):
            self.take()
            result = self.condition()
            self.take(")")
            return result
        following = self.tokens[self.at + 1:self.at + 2]
        function = self.tokens[self.at].lower() if self.at < len(self.tokens) else ""
        if following == ["("] and function in ("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with",
                                               "contains"):
            return self.function(function)
        left = self.operand()
        if self.peek("BETWEEN"):
            self.take()
            low = self.operand()
            self.take("AND")
            high = self.operand()
            return _compare(left, ">=", low) and _compare(left, "<=", high)
        if self.peek("IN"):
            self.take()
            self.take("(")
            choices = [self.operand()]
            while self.peek(","):
                self.take()
                choices.append(self.operand())
            self.take(")")
            return any(_compare(left, "=", choice) for choice in choices)
        return _compare(left, self.take("=", "<>", "<", "<=", ">", ">="), self.operand())

    def function(self, function):
        self.take()
        self.take("(")
        if function in ("attribute_exists", "attribute_not_exists"):
            there = self.name() in self.item
            result = there == (function == "attribute_exists")
        else:
            left = self.operand()
            self.take(",")
            right = self.operand()
            if function == "attribute_type":
                result = left is not None and next(iter(left)) == right["S"]
            elif left is None or "S" not in left or "S" not in right:
                result = False
            else:
                result = left["S"].startswith(right["S"]) if function == "begins_with" else right["S"] in left["S"]
        self.take(")")
        return result

    def end(self):
        if self.at != len(self.tokens):
            raise Invalid(f"Syntax error; token: {self.tokens[self.at]!r}")

    # update := SET name = value (, …)* | REMOVE name (, …)*, each clause once

    def update(self, key_names):
        changed, clauses = dict(self.item), set()
        while self.at < len(self.tokens):
            clause = self.take("SET", "REMOVE").upper()
            if clause in clauses:
                raise Invalid(f'The "{clause}" section can only be used once in an update expression;')
            clauses.add(clause)
            while True:
                name = self.name()
                if name in key_names:
                    raise Invalid(f"Cannot update attribute {name}. This attribute is part of the key")
                if clause == "SET":
                    self.take("=")
                    value = self.term()
                    if self.peek("+", "-"):
                        sign = self.take()
                        right = self.term()
                        number = decimal.Decimal(value["N"])
                        number = number + decimal.Decimal(right["N"]) if sign == "+" else number - decimal.Decimal(right["N"])
                        value = {"N": str(number)}
                    if value is None:
                        raise Invalid("The provided expression refers to an attribute that does not exist in the item")
                    changed[name] = value
                else:
                    changed.pop(name, None)
                if not self.peek(","):
                    break
                self.take()
        return changed

    def term(self):
        if self.tokens[self.at].lower() == "if_not_exists":
            self.take()
            self.take("(")
            name = self.name()
            self.take(",")
            otherwise = self.term()
            self.take(")")
            return self.item.get(name, otherwise)
        return self.operand()


def _compare(left, operator, right):
    """As DynamoDB: a missing attribute or values of two types are only ever `<>`."""
    if left is None or right is None or next(iter(left)) != next(iter(right)):
        return operator == "<>" and not (left is None and right is None)
    kind = next(iter(left))
    a, b = left[kind], right[kind]
    if kind == "N":
        a, b = decimal.Decimal(a), decimal.Decimal(b)
    elif kind == "S":
        a, b = a.encode(), b.encode()
    elif operator not in ("=", "<>"):
        raise Invalid(f"Incorrect operand type for operator {operator}")
    return {"=": a == b, "<>": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]


class Scope:
    """ExpressionAttributeNames and ExpressionAttributeValues of one request."""

    def __init__(self, names, values):
        self.names, self.values, self.used = names or {}, values or {}, set()

    def name(self, token):
        if token.startswith("#"):
            if token not in self.names:
                raise Invalid(f"An expression attribute name used in the document path is not defined; name: {token}")
            self.used.add(token)
            return self.names[token]
        if token.upper() in RESERVED:
            raise Invalid(f"Attribute name is a reserved keyword; reserved keyword: {token}")
        if token.startswith(":"):
            raise Invalid(f"Syntax error; token: {token}")
        return token

    def value(self, token):
        if token not in self.values:
            raise Invalid(f"An expression attribute value used in expression is not defined; attribute value: {token}")
        self.used.add(token)
        return self.values[token]

    def check_all_used(self):
        unused = (set(self.names) | set(self.values)) - self.used
        if unused:
            raise Invalid(f"Value provided in ExpressionAttributeNames or -Values unused in expressions: {sorted(unused)}")


def condition_holds(text, scope, item):
    parser = _Parser(text, scope, item or {})
    result = parser.condition()
    parser.end()
    return result


def updated(text, scope, item, key_names):
    """The item after the update. Right sides see the item as it was."""
    return _Parser(text, scope, item).update(key_names)


def projected(text, scope, item):
    names = [scope.name(token.strip()) for token in text.split(",")]
    return {name: value for name, value in item.items() if name in names}
