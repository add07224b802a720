"""The health of a target whose composite alarm another deployer makes."""

from __future__ import annotations

from aws_cdk import Duration, Stack, Stage
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring.deployment_health import DeploymentHealth, gate_role
from dpra_constructs.monitoring.settle import SHORTEST_MINUTES
from dpra_constructs.release.runtime import names

_LONGEST_SETTLE_MINUTES = 23 * 60
_OF_STAGE = "_dpra_external_health"


class ExternalHealth(Construct):
    """Says that a target's health alarm is made elsewhere, as by Terraform (DPRA-GAMMA-MONITORING).

    Instead of `DeploymentHealth`. The alarm has to be a composite alarm with the name
    `alarm_name`, in the target's account and region; a bake fails while it does not exist. This
    makes the role through which the bake reads it.

    Args:
        scope: the stack, in the target's account and region.
        id: the construct's id.
        target: what the pipeline deploys to, as the application got it.
        settle: how long after a deployment the alarm may still show the old version, 5 minutes to
            23 hours: the longest period x evaluation periods of the alarms in it, and 2 minutes.

    Raises:
        InvalidArgumentError: an argument is not one of those, or the `cdk.Stage` has a health.

    >>> from aws_cdk import App, Stack
    >>> from dpra_constructs import DeploymentTarget
    >>> from dpra_constructs.environments import PipelineIdentity
    >>> target = DeploymentTarget(
    ...     pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    ...     environment="prod", account="444444444444", region="us-west-2",
    ...     configuration={}, is_production=True)
    >>> stack = Stack(App(), "Api", env=target.env)
    >>> ExternalHealth(stack, "Health", target=target, settle=Duration.minutes(7)).alarm_name
    'fruit-prod-us-west-2-health'
    """

    def __init__(
        self, scope: Construct, id: str, *, target: DeploymentTarget, settle: Duration
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.instance(
            where, "target", target, DeploymentTarget, "target, which the application was given"
        )
        minutes = arguments.whole(
            where, "settle", settle, at_least=SHORTEST_MINUTES, at_most=_LONGEST_SETTLE_MINUTES
        )
        stage = Stage.of(scope)
        if first := (DeploymentHealth.of(stage) or self.of(stage)):
            raise InvalidArgumentError(
                where,
                f"{first.node.path} is the health of this target already, and both would have the "
                "same names",
                "keep one of them",
            )
        super().__init__(scope, id)
        setattr(stage, _OF_STAGE, self)
        #: The target whose health this is.
        self.target = target
        #: How long after a deployment the alarm may still show the version before, in minutes.
        self.settle_minutes = minutes
        #: The name that the alarm has to have.
        self.alarm_name = names.health_alarm_name(
            target.pipeline.name, target.environment, target.region
        )
        #: The role that the bake assumes.
        self.gate_role = gate_role(self, Stack.of(self).partition, target)

    @staticmethod
    def of(stage: Stage | None) -> ExternalHealth | None:
        """Return the health of a `cdk.Stage`, or None where it has none."""
        health = getattr(stage, _OF_STAGE, None)
        return health if isinstance(health, ExternalHealth) else None
