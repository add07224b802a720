"""What AWS takes of one pipeline, and of the template that makes it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from dpra_constructs import arguments

# What a reference becomes is known to CloudFormation alone; an ARN of a bucket or role is as long.
_LENGTH_OF_REFERENCE = 70
_PSEUDO_PARAMETERS = {
    "AWS::AccountId": "111111111111",
    "AWS::Partition": "aws",
    "AWS::Region": "us-west-2",
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Quotas that a pipeline stays below; raise those that AWS has raised for your account.

    What exceeds one is refused at synthesis, with the numbers; the two sizes in bytes are checked
    by `dpra_constructs.testing.exceeded_limits` alone. Actions per stage cannot be raised, because
    CDK Pipelines splits a stage of more than 50.

    Args:
        stages_per_pipeline: pipeline stages.
        actions_per_stage: actions in each of them, up to 50.
        actions_per_pipeline: actions in all of them.
        resources_per_template: resources in a stack.
        template_bytes: the size of its template; 1 MB cannot be raised. From 0.8 MB on the CDK
            warns at synthesis, and refuses it with `cdk synth --strict`. 40 deployments take 0.33
            MB, a third of which is indentation: `Stack(suppress_template_indentation=True)`.
        managed_policies_per_role: managed policies that one role has, up to 20. `aws_cdk` makes
            some where a role's own policy is full.
        inline_policy_characters: all policies of a role that are its own, without white space.
        bucket_policy_bytes: the policy of an artifact bucket, 1,300 with three accounts in its
            region; more comes only from what a team adds.
        event_rules: rules of EventBridge on one bus.
        roles: roles in an account.

    Raises:
        InvalidArgumentError: a value is no whole number, less than 1, or more than AWS or the CDK
            ever takes.

    Sources: https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html,
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html,
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html,
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html

    >>> Limits(managed_policies_per_role=20).managed_policies_per_role
    20
    """

    stages_per_pipeline: int = 50
    actions_per_stage: int = 50
    actions_per_pipeline: int = 500
    resources_per_template: int = 500
    template_bytes: int = 1_000_000
    managed_policies_per_role: int = 10
    inline_policy_characters: int = 10_240
    bucket_policy_bytes: int = 20_480
    event_rules: int = 300
    roles: int = 1_000

    def __post_init__(self) -> None:
        """Check the values."""
        most = {
            "actions_per_stage": 50,
            "template_bytes": 1_000_000,
            "managed_policies_per_role": 20,
            "inline_policy_characters": 10_240,
            "bucket_policy_bytes": 20_480,
        }
        for field in fields(self):
            check = arguments.count(1, most.get(field.name, 100_000))
            check("Limits", field.name, getattr(self, field.name))


def characters(document: Any) -> int:
    """Return about how long a policy is, as IAM counts: without white space.

    >>> characters({"Action": "s3:GetObject", "Resource": {"Fn::Join": ["", ["arn:", "aws"]]}})
    46
    """
    return len(json.dumps(_filled(document), separators=(",", ":")))


def _filled(value: Any) -> Any:
    match value:
        case {"Fn::Join": [str() as separator, list() as parts]}:
            return separator.join(str(_filled(part)) for part in parts)
        case {"Ref": name}:
            return _PSEUDO_PARAMETERS.get(name, "x" * _LENGTH_OF_REFERENCE)
        case {"Fn::GetAtt": _} | {"Fn::ImportValue": _} | {"Fn::Sub": _}:
            return "x" * _LENGTH_OF_REFERENCE
        case Mapping():
            return {key: _filled(each) for key, each in value.items()}
        case list():
            return [_filled(each) for each in value]
        case _:
            return value
