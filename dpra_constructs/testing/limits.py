"""What of a template AWS would not take, with the numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from dpra_constructs.pipeline.limits import Limits, characters


def exceeded_limits(template: Mapping[str, Any], limits: Limits = Limits()) -> list[str]:  # noqa: B008
    """Return what of a template is more than CloudFormation, IAM or CodePipeline takes.

    A pipeline refuses at synthesis what it can count there. This finds the rest, like the size of
    the template, and what a team has added to the stack. References count as 70 characters.

    Args:
        template: a CloudFormation template, like `Template.from_stack(stack).to_json()`.
        limits: the quotas.

    Returns:
        For each limit one sentence: empty is what a test wants.

    >>> exceeded_limits({"Resources": {"A": {"Type": "AWS::SNS::Topic"},
    ...     "B": {"Type": "AWS::SNS::Topic"}}}, Limits(resources_per_template=1))
    ['the template has 2 resources, and 1 is the most']
    """
    return list(_exceeded(template, limits))


def _exceeded(template: Mapping[str, Any], limits: Limits) -> Iterator[str]:
    resources: Mapping[str, Mapping[str, Any]] = template.get("Resources", {})
    kinds = Counter(str(resource.get("Type")) for resource in resources.values())
    counts = [
        ("the template has", len(resources), "resources", limits.resources_per_template),
        # As the CDK writes it.
        (
            "the template has",
            len(json.dumps(template, indent=1).encode()),
            "bytes",
            limits.template_bytes,
        ),
        ("the template has", kinds["AWS::Events::Rule"], "event rules", limits.event_rules),
        ("the template has", kinds["AWS::IAM::Role"], "roles", limits.roles),
        *_of_roles(resources, limits),
        *_of_bucket_policies(resources, limits),
        *_of_pipelines(resources, limits),
    ]
    for where, count, what, most in counts:
        if count > most:
            yield f"{where} {count:,} {what}, and {most:,} is the most"


_Count = tuple[str, int, str, int]


def _of_roles(resources: Mapping[str, Mapping[str, Any]], limits: Limits) -> Iterator[_Count]:
    inline: Counter[str] = Counter()
    managed: Counter[str] = Counter()
    for name, resource in resources.items():
        given = resource.get("Properties", {})
        if resource.get("Type") == "AWS::IAM::Role":
            managed[name] += len(given.get("ManagedPolicyArns", ()))
            for policy in given.get("Policies", ()):
                inline[name] += characters(policy["PolicyDocument"])
        elif resource.get("Type") in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for role in given.get("Roles", ()):
                if resource["Type"] == "AWS::IAM::Policy":
                    inline[str(role.get("Ref"))] += characters(given["PolicyDocument"])
                else:
                    managed[str(role.get("Ref"))] += 1
    for name, size in inline.items():
        what = "characters of policies of its own"
        yield f"the role {name} has", size, what, limits.inline_policy_characters
    for name, count in managed.items():
        yield f"the role {name} has", count, "managed policies", limits.managed_policies_per_role


def _of_bucket_policies(
    resources: Mapping[str, Mapping[str, Any]], limits: Limits
) -> Iterator[_Count]:
    for name, resource in resources.items():
        if resource.get("Type") == "AWS::S3::BucketPolicy":
            size = characters(resource["Properties"]["PolicyDocument"])
            yield f"the bucket policy {name} has", size, "bytes", limits.bucket_policy_bytes


def _of_pipelines(resources: Mapping[str, Mapping[str, Any]], limits: Limits) -> Iterator[_Count]:
    for name, resource in resources.items():
        if resource.get("Type") != "AWS::CodePipeline::Pipeline":
            continue
        stages = resource["Properties"]["Stages"]
        yield f"the pipeline {name} has", len(stages), "stages", limits.stages_per_pipeline
        actions = [len(stage["Actions"]) for stage in stages]
        yield f"the pipeline {name} has", sum(actions), "actions", limits.actions_per_pipeline
        for stage, count in zip(stages, actions, strict=True):
            yield f"the stage {stage['Name']} has", count, "actions", limits.actions_per_stage
