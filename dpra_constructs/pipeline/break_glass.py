"""What people need who resume a stopped line, or override a bake or a window: two policies."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from dpra_constructs.build_actions import Permission
from dpra_constructs.pipeline.permissions import allowed
from dpra_constructs.pipeline.plan import PipelinePlan
from dpra_constructs.release.pipeline_permissions import resource_of
from dpra_constructs.release.runtime import names
from dpra_constructs.release.runtime.override import NOTHING


@dataclass(frozen=True, slots=True)
class PeoplePolicies:
    """Managed policies to attach to the roles or permission sets of people, where there are any."""

    resume: iam.CfnManagedPolicy | None
    override: iam.CfnManagedPolicy | None


def people_policies(scope: Construct, plan: PipelinePlan) -> PeoplePolicies:
    """Make the policies, and the parameter that an override is written to.

    Args:
        scope: where they are made.
        plan: the plan.
    """
    return PeoplePolicies(
        _resume(scope, plan) if plan.stops_the_line else None,
        _override(scope, plan) if plan.can_be_overridden else None,
    )


def _resume(scope: Construct, plan: PipelinePlan) -> iam.CfnManagedPolicy:
    closed = dict.fromkeys([plan.entrance, *(plan.wave_names if plan.rolls_all_back else ())])
    return _policy(
        scope,
        plan,
        "resume",
        "Lets people let releases into production again after a failed wave",
        Permission(
            actions=["codepipeline:EnableStageTransition"],
            resources=[f"{_pipeline(plan)}/{stage}" for stage in closed],
        ),
    )


def _override(scope: Construct, plan: PipelinePlan) -> iam.CfnManagedPolicy:
    name = names.override_parameter_name(plan.pipeline.name)
    # It is there from the beginning, so that people may write this one and create none.
    ssm.CfnParameter(
        scope,
        "Override",
        name=name,
        type="String",
        value=NOTHING,
        description=f"Whoever writes it lets a release of {plan.pipeline.name} pass a bake",
    )
    held = [stage.name for stage in plan.stages if stage.conditions.before_entry]
    return _policy(
        scope,
        plan,
        "override",
        "Break glass: lets people let a release pass a bake or an entry condition",
        Permission(
            actions=["ssm:PutParameter"],
            resources=[f"arn:{{partition}}:ssm:{{region}}:{{account}}:parameter{name}"],
        ),
        *(
            [
                Permission(
                    actions=["codepipeline:OverrideStageCondition"],
                    resources=[f"{_pipeline(plan)}/{stage}" for stage in held],
                )
            ]
            if held
            else []
        ),
    )


def _policy(
    scope: Construct,
    plan: PipelinePlan,
    purpose: str,
    description: str,
    *permissions: Permission,
) -> iam.CfnManagedPolicy:
    look = Permission(actions=["codepipeline:GetPipelineState"], resources=[_pipeline(plan)])
    return iam.CfnManagedPolicy(
        scope,
        f"{purpose.capitalize()}Policy",
        managed_policy_name=names.policy_name(plan.pipeline.name, plan.pipeline.region, purpose),
        description=description,
        policy_document={
            "Version": "2012-10-17",
            "Statement": allowed(scope, (look, *permissions)),
        },
    )


def _pipeline(plan: PipelinePlan) -> str:
    return resource_of(plan.pipeline.name)
