"""Finds the experiments of the deployed application that the pipeline starts."""

from __future__ import annotations

from aws_cdk import Stage

from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.runtime import names
from dpra_constructs.resilience import FaultInjectionExperiment
from dpra_constructs.test_actions import DeployedTest, FaultInjection


def in_target(fault: FaultInjection, target: DeploymentTarget, application: Stage) -> DeployedTest:
    """Return the test that runs an experiment in one target.

    Raises:
        InvalidArgumentError: the application has no such experiment.
    """
    experiments = FaultInjectionExperiment.of(application)
    experiment = experiments.get(fault.experiment)
    if not experiment:
        raise InvalidArgumentError(
            f'FaultInjection "{fault.name}"',
            f"experiment={fault.experiment!r} is no FaultInjectionExperiment of {target.stage_id}, "
            f"which has {', '.join(sorted(experiments)) or 'none'}",
            "put FaultInjectionExperiment(stack, "
            f'"{fault.experiment}", target=target, ...) into a stack of the application',
        )
    place = (target.pipeline.name, target.environment, target.region)
    return fault.in_region(
        target.region,
        role_arn=names.role_arn("{partition}", target.account, names.experiment_role_name(*place)),
        alarm=names.health_alarm_name(*place),
        output=experiment.output_id,
    )


def role_name(target: DeploymentTarget) -> str:
    """Return the name of the role of the action that starts experiments in a target."""
    return names.injection_role_name(target.pipeline.name, target.environment, target.region)
