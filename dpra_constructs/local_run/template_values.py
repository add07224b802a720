"""Works out the values in a template that are known without AWS, and names those that are not.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpra_constructs.cloud_assembly import AssembledStack
from dpra_constructs.errors import DpraError

_SUB = re.compile(r"\$\{(!?)([^}]*)\}")
_DOMAINS = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
# What `Ref` of a resource is, where a property of the template says it.
_NAMES = {
    "AWS::CodeBuild::Project": "Name",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SSM::Parameter": "Name",
}
_REPORT_GROUP = "AWS::CodeBuild::ReportGroup"
UNKNOWN_ACCOUNT, UNKNOWN_REGION = "000000000000", "us-east-1"


class UnknownValueError(DpraError):
    """A value is only known in AWS."""


@dataclass(frozen=True, slots=True)
class TemplateValues:
    """The values of one stack's template."""

    stack: AssembledStack
    template: Mapping[str, Any]

    @property
    def account(self) -> str:
        """The stack's account, or zeros where the app does not say which."""
        return self.stack.account or UNKNOWN_ACCOUNT

    @property
    def region(self) -> str:
        """The stack's region, or one where the app does not say which."""
        return self.stack.region or UNKNOWN_REGION

    @property
    def partition(self) -> str:
        """The partition of the stack's region."""
        for beginning, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
            if self.region.startswith(beginning):
                return partition
        return "aws"

    def text(self, value: object) -> str:
        """Return the text that CloudFormation would make of a value.

        Raises:
            UnknownValueError: it, or a part of it, is only known in AWS; the message names it.
        """
        match value:
            case str():
                return value
            case bool():
                return str(value).lower()
            case int() | float():
                return str(value)
            case {"Ref": str(name)}:
                return self._ref(name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._attribute(name, attribute)
            case {"Fn::GetAtt": str(both)}:
                name, _, attribute = both.partition(".")
                return self._attribute(name, attribute)
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(self.text(part) for part in parts)
            case {"Fn::Sub": str(text)}:
                return self._sub(text, {})
            case {"Fn::Sub": [str(text), dict(values)]}:
                return self._sub(text, values)
            case {"Fn::Select": [index, list(parts)]} if str(index).isdigit():
                return self.text(parts[int(str(index))])
        raise UnknownValueError(f"{json.dumps(value)} is only known in AWS")

    def resource(self, value: object, type_name: str) -> tuple[str, Mapping[str, Any]] | None:
        """Return the resource, and its logical id, that a reference or a plain name means."""
        resources: Mapping[str, Any] = self.template.get("Resources", {})
        match value:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
                found = resources.get(name, {})
                return (name, found) if found.get("Type") == type_name else None
            case str():
                for name, resource in resources.items():
                    if (
                        resource.get("Type") == type_name
                        and resource.get("Properties", {}).get("Name") == value
                    ):
                        return name, resource
        return None

    def _ref(self, name: str) -> str:
        pseudo = {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": self.partition,
            "AWS::URLSuffix": _DOMAINS.get(self.partition, "amazonaws.com"),
            "AWS::StackName": self.stack.name,
        }
        if name in pseudo:
            return pseudo[name]
        parameter = self.template.get("Parameters", {}).get(name)
        if parameter is not None:
            # A parameter of Parameter Store has a name as its default, and not the value.
            if "Default" in parameter and not parameter.get("Type", "").startswith("AWS::SSM"):
                return str(parameter["Default"])
            raise UnknownValueError(f"the parameter {name} of stack {self.stack.name} is no value")
        resource = self.template.get("Resources", {}).get(name, {})
        if resource.get("Type") == _REPORT_GROUP:
            return self._report_group(name, resource)
        given = resource.get("Properties", {}).get(_NAMES.get(resource.get("Type"), ""))
        if given is None:
            raise UnknownValueError(f"Ref {name} is only known in AWS")
        return self.text(given)

    def _attribute(self, name: str, attribute: str) -> str:
        resource = self.template.get("Resources", {}).get(name, {})
        if resource.get("Type") == _REPORT_GROUP and attribute == "Arn":
            return self._report_group(name, resource)
        raise UnknownValueError(f"Fn::GetAtt {name}.{attribute} is only known in AWS")

    def _report_group(self, name: str, resource: Mapping[str, Any]) -> str:
        # Nothing is sent there from here, so any name that a person recognizes serves.
        group = self.text(resource.get("Properties", {}).get("Name", name))
        return f"arn:{self.partition}:codebuild:{self.region}:{self.account}:report-group/{group}"

    def _sub(self, text: str, values: Mapping[str, object]) -> str:
        def value(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return f"${{{name}}}"
            if name in values:
                return self.text(values[name])
            resource, dot, attribute = name.partition(".")
            return self._attribute(resource, attribute) if dot else self._ref(name)

        return _SUB.sub(value, text)
