"""The stacks of each target, as CDK Pipelines deploys them: read once, as each is calls of jsii."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import pipelines

from dpra_constructs.environments import DeploymentTarget


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """A stack; `deploying_role` is the ARN of the role that deploys it, if it has one."""

    name: str
    account: str
    region: str
    deploying_role: str


def deployed_stacks(
    target: DeploymentTarget, deployment: pipelines.StageDeployment, partition: str
) -> Iterator[DeployedStack]:
    """Return the stacks of a target.

    Args:
        target: where they are deployed to.
        deployment: what CDK Pipelines knows of them.
        partition: of the pipeline, which stands in the ARNs.
    """
    for stack in deployment.stacks:
        name, role = stack.stack_name, stack.assume_role_arn or ""
        # A name that CDK made is the target's alone; a given one may stand in several places.
        own = name.startswith(f"{target.stage_id}-")
        yield DeployedStack(
            name,
            target.account if own else stack.account or "",
            target.region if own else stack.region or "",
            role.replace("${AWS::Partition}", partition),
        )
