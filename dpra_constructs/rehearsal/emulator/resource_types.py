"""CloudFormation types that MiniStack lacks: kept as records, with the values of Ref and GetAtt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import (
    AccountRegionScopedDict,
    get_account_id,
    get_region,
    new_uuid,
)
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from dpra_constructs.rehearsal.change_calendar import ChangeCalendar
from dpra_constructs.rehearsal.emulator.state import STATE

Attributes = dict[str, str]


@dataclass(frozen=True, slots=True)
class RecordedType:
    """A resource type that is recorded only.

    Args:
        name_property: which property names it; without it, or without a value, CloudFormation does.
        arn: with `{region}`, `{account}`, `{name}` and `{uuid}`.
        ref_is_arn: what `Ref` returns, the ARN or the name.
        attributes: further values of `Fn::GetAtt`, from the name and the ARN.
        check: raises an error for properties that the service refuses.
    """

    name_property: str = "Name"
    arn: str = "{name}"
    ref_is_arn: bool = False
    attributes: Callable[[str, str], Attributes] = lambda name, arn: {}
    check: Callable[[dict[str, Any]], object] = lambda properties: None
    records: Any = field(default_factory=AccountRegionScopedDict)

    def create(
        self, logical_id: str, properties: dict[str, Any], stack_name: str
    ) -> tuple[str, Attributes]:
        """Record a resource; return its physical id and attributes."""
        self.check(properties)
        name = properties.get(self.name_property) or provisioners._physical_name(
            stack_name, logical_id, max_len=100
        )
        arn = self.arn.format(
            region=get_region(), account=get_account_id(), name=name, uuid=new_uuid()
        )
        physical_id = arn if self.ref_is_arn else name
        if physical_id in self.records:
            raise ValueError(f"{physical_id} already exists")
        attributes = {"Arn": arn, "Id": name, "Name": name, **self.attributes(name, arn)}
        self.records[physical_id] = {
            "name": name,
            "properties": properties,
            "attributes": attributes,
            "version": 1,
        }
        return physical_id, attributes

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str
    ) -> tuple[str, Attributes]:
        """Change a record; a new name is a new resource, as in CloudFormation."""
        self.check(new)
        record = self.records[physical_id]
        name = new.get(self.name_property)
        if name and name != record["name"]:
            created = self.create(name, new, stack_name)
            del self.records[physical_id]
            return created
        record["properties"] = new
        record["version"] += 1
        return physical_id, record["attributes"]

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Forget a record."""
        self.records.pop(physical_id, None)


def _connection(service: str) -> RecordedType:
    return RecordedType(
        "ConnectionName",
        f"arn:aws:{service}:{{region}}:{{account}}:connection/{{uuid}}",
        ref_is_arn=True,
        attributes=lambda name, arn: {"ConnectionArn": arn, "ConnectionStatus": "AVAILABLE"},
    )


def _check_calendar(document: dict[str, Any]) -> None:
    if document.get("DocumentType") == "ChangeCalendar":
        ChangeCalendar.read(document["Content"])


PIPELINES = RecordedType(
    arn="arn:aws:codepipeline:{region}:{account}:{name}", attributes=lambda n, a: {"Version": "1"}
)
DOCUMENTS = RecordedType(
    arn="arn:aws:ssm:{region}:{account}:document/{name}", check=_check_calendar
)
RECORDED = {
    "AWS::CodePipeline::Pipeline": PIPELINES,
    "AWS::SSM::Document": DOCUMENTS,
    "AWS::CodeBuild::ReportGroup": RecordedType(
        arn="arn:aws:codebuild:{region}:{account}:report-group/{name}", ref_is_arn=True
    ),
    "AWS::CodeConnections::Connection": _connection("codeconnections"),
    "AWS::CodeStarConnections::Connection": _connection("codestar-connections"),
    "AWS::CodeStarNotifications::NotificationRule": RecordedType(
        arn="arn:aws:codestar-notifications:{region}:{account}:notificationrule/{uuid}",
        ref_is_arn=True,
    ),
    "AWS::CodeDeploy::Application": RecordedType("ApplicationName"),
    "AWS::CodeDeploy::DeploymentConfig": RecordedType("DeploymentConfigName"),
    "AWS::CodeDeploy::DeploymentGroup": RecordedType("DeploymentGroupName"),
    "AWS::CodeCommit::Repository": RecordedType(
        "RepositoryName",
        "arn:aws:codecommit:{region}:{account}:{name}",
        attributes=lambda n, a: {
            "CloneUrlHttp": f"https://git-codecommit.{a.split(':')[3]}.amazonaws.com/v1/repos/{n}",
            "CloneUrlSsh": f"ssh://git-codecommit.{a.split(':')[3]}.amazonaws.com/v1/repos/{n}",
        },
    ),
    "AWS::CodeBuild::SourceCredential": RecordedType(
        "ServerType", "arn:aws:codebuild:{region}:{account}:token/{name}", ref_is_arn=True
    ),
    "AWS::Chatbot::SlackChannelConfiguration": RecordedType(
        "ConfigurationName",
        "arn:aws:chatbot::{account}:chat-configuration/slack-channel/{name}",
        ref_is_arn=True,
    ),
    "AWS::ApplicationAutoScaling::ScalableTarget": RecordedType("ScalableTargetName"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": RecordedType(
        "PolicyName",
        "arn:aws:autoscaling:{region}:{account}:scalingPolicy:{uuid}:policyName/{name}",
        ref_is_arn=True,
    ),
    "AWS::Events::Archive": RecordedType(
        "ArchiveName", "arn:aws:events:{region}:{account}:archive/{name}"
    ),
    "AWS::Logs::QueryDefinition": RecordedType("QueryDefinitionId"),
    "AWS::CloudTrail::Trail": RecordedType(
        "TrailName", "arn:aws:cloudtrail:{region}:{account}:trail/{name}"
    ),
    "AWS::SecretsManager::RotationSchedule": RecordedType("SecretRotationId"),
    "AWS::Synthetics::Canary": RecordedType(
        arn="arn:aws:synthetics:{region}:{account}:canary:{name}/{uuid}",
        attributes=lambda n, a: {"State": "RUNNING", "Id": a.rpartition("/")[2]},
    ),
    "AWS::Lambda::CodeSigningConfig": RecordedType(
        arn="arn:aws:lambda:{region}:{account}:code-signing-config:csc-{uuid}",
        ref_is_arn=True,
        attributes=lambda n, a: {"CodeSigningConfigArn": a, "CodeSigningConfigId": n},
    ),
    "AWS::CodeArtifact::Domain": RecordedType(
        "DomainName", "arn:aws:codeartifact:{region}:{account}:domain/{name}", ref_is_arn=True
    ),
    "AWS::CodeArtifact::Repository": RecordedType(
        "RepositoryName",
        "arn:aws:codeartifact:{region}:{account}:repository/{name}",
        ref_is_arn=True,
    ),
}


def register() -> None:
    """Add the types to MiniStack's CloudFormation, where it has none of its own."""
    for type_name, recorded in RECORDED.items():
        provisioners._RESOURCE_HANDLERS.setdefault(
            type_name,
            {"create": recorded.create, "update": recorded.update, "delete": recorded.delete},
        )
    STATE["recorded types"] = (_take, _restore)
    provisioners._RESOURCE_HANDLERS.setdefault(
        "AWS::CloudWatch::CompositeAlarm",
        {"create": _create_alarm, "update": _update_alarm, "delete": _delete_alarm},
    )


def _take() -> dict[str, dict[Any, Any]]:
    return {name: recorded.records._data for name, recorded in RECORDED.items()}


def _restore(records: dict[str, dict[Any, Any]]) -> None:
    for name, contents in records.items():
        RECORDED[name].records._data.update(contents)


def _create_alarm(
    logical_id: str, properties: dict[str, Any], stack_name: str
) -> tuple[str, Attributes]:
    name = properties.get("AlarmName") or provisioners._physical_name(
        stack_name, logical_id, max_len=200
    )
    return _put_alarm(name, properties)


def _update_alarm(
    physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str
) -> tuple[str, Attributes]:
    name = new.get("AlarmName") or physical_id
    created = _put_alarm(name, new)
    if name != physical_id:
        _delete_alarm(physical_id, old)
    return created


def _delete_alarm(physical_id: str, properties: dict[str, Any]) -> None:
    cloudwatch._delete_alarms({}, {"AlarmNames": [physical_id]}, False, True)


def _put_alarm(name: str, properties: dict[str, Any]) -> tuple[str, Attributes]:
    request = {
        "ActionsEnabled": True,
        "AlarmActions": [],
        "OKActions": [],
        "InsufficientDataActions": [],
        **properties,
        "AlarmName": name,
    }
    response = cloudwatch._put_composite_alarm({}, request, False, True)
    if response[0] >= 400:
        raise ValueError(response[2].decode())
    return name, {"Arn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"}
