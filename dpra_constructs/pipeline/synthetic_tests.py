"""Whether gamma is tested synthetically, by tests that a bake watches."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Stage
from aws_cdk import aws_cloudwatch as cloudwatch

from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring import DeploymentHealth, SyntheticTest
from dpra_constructs.pipeline.definitions import Chain
from dpra_constructs.pipeline.plan import PipelinePlan
from dpra_constructs.requirements import Requirement, require


def check_synthetic_tests(
    chain: Chain, plan: PipelinePlan, applications: Mapping[str, Stage]
) -> None:
    """Refuse a gamma without synthetic tests, and a test that no bake would see fail.

    Args:
        chain: the stages, with their waivers.
        plan: of the pipeline.
        applications: the team's `cdk.Stage` for each target, by its stage id.

    Raises:
        WaiverNeededError: a target of gamma has no synthetic test, and it is not waived.
        InvalidArgumentError: the alarm of a test is not in its target's `DeploymentHealth`.
    """
    for stage_id, application in applications.items():
        # Where nothing bakes there need be no health; what stands behind an alarm that is imported
        # or composite is not known here.
        health = DeploymentHealth.of(application)
        is_known = health and all(
            isinstance(alarm, cloudwatch.Alarm | cloudwatch.CfnAlarm) for alarm in health.watched
        )
        for test in SyntheticTest.of(application):
            if health and is_known and test.alarm not in health.watched:
                raise InvalidArgumentError(
                    f'DeploymentPipeline "{plan.pipeline.name}"',
                    f"the alarm of {type(test).__name__} {test.node.path} is not in the "
                    f"DeploymentHealth of {stage_id}, so that no bake sees it fail",
                    "give that alarms=[..., test.alarm]",
                )
    if not chain.gamma:
        return
    without = [
        target.stage_id
        for target in plan.targets
        if target.environment == chain.gamma.environment.name
        and not SyntheticTest.of(applications[target.stage_id])
    ]
    require(
        chain.gamma.where,
        Requirement.GAMMA_SYNTHETICS,
        not without,
        chain.gamma.waivers,
        f"{', '.join(without)} has no synthetic test",
        'put ApiSyntheticTest(stack, "Test", target=target, base_url=..., steps=[...]) into a '
        "stack of the application, and its alarm into DeploymentHealth",
    )
