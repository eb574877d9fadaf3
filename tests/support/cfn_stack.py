"""Reads CloudFormation templates and works out what CloudFormation would: parameters, conditions, rules, functions.

Written for the templates in deploy/aws: a function that they do not use is refused, not guessed.
Sources: AWS CloudFormation User Guide, "Intrinsic function reference", "Rule functions", "Parameters".
"""

import functools
import pathlib
import re

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "aws"
PSEUDO = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "s3link",
}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms; a key that stands twice in a mapping is an error."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"twice: {sorted(twice)}", node.start_mark)
        return super().construct_mapping(node, deep)


def _short_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
# CloudFormation does not make dates of texts.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@functools.cache
def load(name):
    """The template deploy/aws/NAME.yaml, short forms written out; not to be changed."""
    return yaml.load((DEPLOY / f"{name}.yaml").read_text(encoding="utf-8"), _Loader)


class Refused(Exception):
    """CloudFormation would not start to make or update the stack."""


class _NoValue:
    pass


NO_VALUE = _NoValue()


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _check_parameter(name, declared, value):
    if declared["Type"] == "Number":
        try:
            number = float(value)
        except ValueError:
            raise Refused(f"{name}: not a number: {value}") from None
        if not declared.get("MinValue", number) <= number <= declared.get("MaxValue", number):
            raise Refused(f"{name}: out of range: {value}")
    else:
        if not declared.get("MinLength", 0) <= len(value) <= declared.get("MaxLength", len(value)):
            raise Refused(f"{name}: length")
        if not re.fullmatch(declared.get("AllowedPattern", "(?s:.*)"), value):
            raise Refused(f"{name}: does not match the pattern: {value}")
    if "AllowedValues" in declared and value not in map(_text, declared["AllowedValues"]):
        raise Refused(f"{name}: not an allowed value: {value}")


class Stack:
    """A template with values for its parameters. `exports`: what other stacks export, by name."""

    def __init__(self, template, parameters, exports=None):
        self.template = template
        self.exports = exports or {}
        declared = template.get("Parameters", {})
        unknown = set(parameters) - set(declared)
        if unknown:
            raise Refused(f"unknown parameters: {sorted(unknown)}")
        self.parameters = {}
        for name, description in declared.items():
            if name not in parameters and "Default" not in description:
                raise Refused(f"{name}: a value is needed")
            self.parameters[name] = _text(parameters.get(name, description.get("Default")))
            _check_parameter(name, description, self.parameters[name])
        for name, rule in template.get("Rules", {}).items():
            if "RuleCondition" in rule and not self.value(rule["RuleCondition"]):
                continue
            for assertion in rule["Assertions"]:
                if not self.value(assertion["Assert"]):
                    raise Refused(f"{name}: {assertion['AssertDescription']}")

    def condition(self, name):
        return self.value(self.template["Conditions"][name])

    def resources(self):
        """Those that are made: name → definition, functions worked out, conditions applied."""
        return {
            name: self.value({key: part for key, part in resource.items() if key not in ("Metadata", "Condition")})
            for name, resource in self.template["Resources"].items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        }

    def environment(self, function="LinkGenerator"):
        """The environment variables of a function."""
        return dict(self.resources()[function]["Properties"]["Environment"]["Variables"])

    def outputs(self):
        """Exports by name."""
        return {
            self.value(output["Export"]["Name"]): self.value(output["Value"])
            for output in self.template.get("Outputs", {}).values()
            if "Export" in output
        }

    def value(self, node):
        """What a piece of the template comes to."""
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), = node.items()
            if name in ("Ref", "Condition") or name.startswith("Fn::"):
                return self._call(name, argument)
        values = {key: self.value(part) for key, part in node.items()}
        return {key: value for key, value in values.items() if value is not NO_VALUE}

    def _call(self, name, argument):
        if name == "Ref":
            return self._ref(argument)
        if name == "Condition":
            # In a policy this is a key of the statement, not the name of a condition.
            return self.condition(argument) if isinstance(argument, str) else {name: self.value(argument)}
        if name == "Fn::GetAtt":
            self._made(argument[0])
            return f"{argument[0]}.{argument[1]}"
        if name == "Fn::Sub":
            return self._sub(argument)
        if name == "Fn::If":
            condition, then, otherwise = argument
            return self.value(then if self.condition(condition) else otherwise)
        if name == "Fn::Equals":
            first, second = map(self.value, argument)
            return _text(first) == _text(second)
        if name == "Fn::Not":
            return not self.value(argument[0])
        if name == "Fn::And":
            return all(map(self.value, argument))
        if name == "Fn::Contains":
            texts, text = argument
            return self.value(text) in map(_text, texts)
        if name == "Fn::ImportValue":
            if self.value(argument) not in self.exports:
                raise Refused(f"no stack exports {argument}")
            return self.exports[self.value(argument)]
        raise NotImplementedError(name)

    def _ref(self, name):
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        self._made(name)
        return name

    def _made(self, name):
        resource = self.template["Resources"][name]
        if "Condition" in resource and not self.condition(resource["Condition"]):
            raise Refused(f"{name} is named but not made")

    def _sub(self, argument):
        text, given = (argument, {}) if isinstance(argument, str) else argument

        def replace(match):
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in given:
                return _text(self.value(given[name]))
            if "." in name:
                return self._call("Fn::GetAtt", name.split(".", 1))
            return _text(self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", replace, text)


def mail_stack(**parameters):
    """ses_email_sender.yaml with its defaults."""
    return Stack(load("ses_email_sender"), {"AdminAlarmEMail": "admin@example.org", **parameters})


def link_stack(**parameters):
    """lambda_link_generator.yaml with its defaults, beside mail_stack()."""
    needed = {
        "FileExchangeBucketName": "example-file-exchange",
        "EmailSender": "files@example.org",
        "EmailRecipient": "ann@example.org",
        "CodeBucket": "example-code",
        "CodeKey": "link-generator.zip",
    }
    return Stack(load("lambda_link_generator"), {**needed, **parameters}, mail_stack().outputs())
